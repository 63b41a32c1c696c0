//! Lines for bars, bare values, and the text format of Prometheus.

mod documentation;
mod lines;
mod programs;
mod prometheus;

/// The line of a block of docs/bars.md, without the numbers: `CPU 12 %  RAM 3.4 GiB` is `CPU N %  RAM N GiB`.
fn shape(line: &str) -> String {
    let words = line.split(' ').filter(|word| !word.is_empty());
    let words = words.map(|word| match word.parse::<f64>() {
        Ok(_) => "N",
        Err(_) if matches!(word, "KiB" | "MiB" | "TiB") => "GiB",
        Err(_) => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

const SHAPE: &str = "CPU N % RAM N GiB";

/// The blocks in the section with this title.
fn blocks(section: &str) -> Vec<&'static str> {
    let page = include_str!("../../../docs/bars.md");
    let (_, text) = page.split_once(&format!("\n## {section}\n")).unwrap();
    let text = text.split("\n## ").next().unwrap();
    let fenced = text.split("```").skip(1).step_by(2);
    fenced
        .map(|block| block.split_once('\n').unwrap().1)
        .collect()
}
