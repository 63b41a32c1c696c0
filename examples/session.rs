//! The frames of a session in Rust, in the form of the clients in other languages: examples/README.md. It begins anew when
//! the service has gone.

use sampled_client::{Client, Error, Start, Value, zbus};

const METRICS: [&str; 4] = [
    "cpu/all/usage",
    "room/desk/temperature",
    "memory/physical/used",
    "os/kernel/name",
];

fn main() -> Result<(), Error> {
    zbus::block_on(async {
        let client = Client::connect().await?;
        let metrics = client.list(&["cpu/all", "memory/physical/used"]).await?;
        let unit = |id: &str| metrics.get(id).map_or("", |metric| metric.unit.as_str());
        let start = Start {
            label: "session".to_owned(),
            optional: true,
            ..Start::every_millis(1000)
        };
        let mut count: u32 = 0;
        loop {
            let mut session = client.start(&METRICS, start.clone()).await?;
            let mut columns = Vec::new();
            // An error is the end of the session: the service has gone.
            while let Ok(frame) = session.next().await {
                if session.columns() != columns {
                    columns = session.columns().to_vec();
                    println!("columns: {}", columns.join(" "));
                }
                count = count.saturating_add(1);
                for (id, reading) in frame.readings() {
                    match reading {
                        Ok(Value::Number(number)) => {
                            println!("frame {count}: {id} = {number:.1} {}", unit(id))
                        }
                        Ok(Value::Text(text)) => println!("frame {count}: {id} = {text}"),
                        Err(fault) => println!("frame {count}: {id} = ({fault})"),
                    }
                }
                if count == 5 {
                    return session.stop().await;
                }
            }
            println!("the service has gone: starting again");
        }
    })
}
