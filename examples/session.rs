//! The readings of a session, one line each, for as long as the program runs. docs/clients.md shows this program.

use sampled_client::{Client, Error, Start, Value, zbus};

const METRICS: [&str; 3] = ["cpu/all/usage", "memory/physical/used", "os/kernel/name"];

fn main() -> Result<(), Error> {
    zbus::block_on(async {
        let client = Client::connect().await?;
        let start = Start {
            optional: true,
            ..Start::every_millis(1000)
        };
        loop {
            let mut session = client.start(&METRICS, start.clone()).await?;
            // An error is the end of the session: the service has gone.
            while let Ok(frame) = session.next().await {
                for (id, reading) in frame.readings() {
                    let timestamp = frame.timestamp;
                    match reading {
                        Ok(Value::Number(number)) => println!("{timestamp} {id} {number}"),
                        Ok(Value::Text(text)) => println!("{timestamp} {id} {text}"),
                        Err(fault) => println!("{timestamp} {id} {fault}"),
                    }
                }
            }
        }
    })
}
