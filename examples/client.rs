//! A client of the service, which the session bus starts: the list of metrics, one sample, five frames, and the
//! processes that use most of a CPU.

use sampled::{
    client::{Client, Error, Processes, SampleOptions, Start, TableOptions},
    reading::{Reading, Value},
};

const CPU: &str = "cpu/all/usage";
const MEMORY: &str = "memory/physical/used";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let client = Client::connect().await?;

    let metrics = client.list(&[]).await?;
    println!("{} metrics, among them:", metrics.len());
    for id in [CPU, MEMORY] {
        if let Some(metric) = metrics.get(id) {
            println!("  {id}: {} in {}", metric.name, metric.unit);
        }
    }

    let sample = client
        .sample(&[CPU, MEMORY], SampleOptions::default())
        .await?;
    println!("Now:");
    for (id, value) in &sample.readings {
        println!("  {id}: {}", show(Ok(value.clone())));
    }
    for (id, fault) in &sample.faults {
        println!("  {id}: {}", show(Err(*fault)));
    }

    println!("Five frames, two a second:");
    let mut session = client
        .start(&[CPU, MEMORY], Start::every_millis(500))
        .await?;
    for _ in 0..5 {
        let frame = session.next().await?;
        let readings = frame.readings().map(|(_, reading)| show(reading));
        println!(
            "  {}  {}",
            frame.timestamp,
            readings.collect::<Vec<_>>().join("  ")
        );
    }
    session.stop().await?;
    println!("Stopped.");

    println!("The five processes that use most of a CPU:");
    let processes = Processes::on(client.bus().clone()).await?;
    let busiest = TableOptions::default().ordered_by("-cpu").limited_to(5);
    let fields = ["name", "cpu", "rss"];
    let table = processes.snapshot(&fields, &busiest, SampleOptions::default());
    for row in table.await?.rows {
        let readings = row.into_iter().map(show);
        println!("  {}", readings.collect::<Vec<_>>().join("  "));
    }
    Ok(())
}

/// A value, or the reason why there is none.
fn show(reading: Reading) -> String {
    match reading {
        Ok(Value::Number(number)) => format!("{number:.1}"),
        Ok(Value::Text(text)) => text.to_string(),
        Err(fault) => format!("({fault})"),
    }
}
