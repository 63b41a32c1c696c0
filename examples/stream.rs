//! A stream of the service, which the session bus starts: a thousand records a second of memory and load, for five
//! seconds, and how many have come.

use std::time::{Duration, Instant};

use sampled::client::{Client, Error, StreamOptions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let client = Client::connect().await?;
    let options = StreamOptions {
        label: "the example of streams".to_owned(),
        ..StreamOptions::every_millis(1)
    };
    let selectors = ["memory/physical/used", "cpu/loadaverages"];
    let mut stream = client.open(&selectors, options).await?;
    println!("timestamp,{}", stream.columns().join(","));

    let (begin, mut count) = (Instant::now(), 0_u32);
    while begin.elapsed() < Duration::from_secs(5) {
        let record = stream.next().await?;
        // Each of them counts, and one of a thousand is shown.
        if count.is_multiple_of(1000) {
            let values: Vec<_> = record.values.iter().map(f64::to_string).collect();
            println!("{},{}", record.timestamp, values.join(","));
        }
        count = count.saturating_add(1);
    }

    let sessions = client.sessions().await?;
    let dropped = sessions
        .get(&stream.id())
        .map_or(0, |session| session.dropped);
    println!("{count} records in five seconds, {dropped} dropped");
    stream.stop().await
}
