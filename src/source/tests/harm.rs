//! Texts that no kernel should write.

use super::*;

/// Whatever the kernel writes, no parser panics, overflows or makes an infinite number.
#[test]
fn no_text_does_harm() {
    let cpus: Vec<Vec<u8>> = ["cpu", "cpu0", "cpu1", "cpu2", "cpu3"]
        .map(Vec::from)
        .into();
    let check = |text: &[u8]| {
        let mut columns = Vec::new();
        let _ = cpu::read_columns(text, &cpus, &mut columns);
        let _ = memory::read_columns(text, &mut memory::Layout::default(), &mut columns);
        let _ = loadavg::read_columns(text, &mut columns);
        let numbers = columns
            .iter()
            .filter(|column| matches!(column, Raw::Number(_)));
        assert!(
            numbers
                .map(number_of)
                .chain(os::uptime(text))
                .all(|number| number.is_finite() && number >= 0.0)
        );
        cpu_names::names(text);
        os_release::facts(text);
        parse::list(text);
    };
    let texts = [
        fixture!("laptop/proc/stat"),
        fixture!("laptop/proc/meminfo"),
        fixture!("laptop/proc/loadavg"),
        fixture!("laptop/proc/uptime"),
        fixture!("laptop/proc/cpuinfo"),
        fixture!("laptop/etc/os-release"),
        fixture!("laptop/sys/devices/system/cpu/online"),
        fixture!("stat/too-large"),
        fixture!("cpuinfo/arm64"),
        &fixture!("server/proc/stat")[..1500],
    ];
    torment(&texts, check);
}

/// The same of what counts devices.
#[test]
fn no_text_of_devices_does_harm() {
    let check = |text: &[u8]| {
        let mut columns = Vec::new();
        disk::check_text(text);
        network::check_text(text);
        pressure::read_columns(text, &mut columns);
        let _ = vmstat::read_columns(text, &mut vmstat::Layout::default(), &mut columns);
    };
    let texts = [
        fixture!("laptop/proc/diskstats"),
        fixture!("laptop/proc/1/mountinfo"),
        fixture!("laptop/proc/net/dev"),
        fixture!("laptop/proc/net/route"),
        fixture!("laptop/proc/net/ipv6_route"),
        fixture!("laptop/proc/net/wireless"),
        fixture!("laptop/proc/pressure/io"),
        &fixture!("laptop/proc/vmstat")[1500..2100],
        fixture!("laptop/etc/resolv.conf"),
    ];
    torment(&texts, check);
}

/// Has each text checked at every length, with bits that are wrong, and with numbers too large.
fn torment(texts: &[&str], check: impl Fn(&[u8])) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for text in texts.iter().map(|text| text.as_bytes()) {
        for length in 0..=text.len() {
            check(&text[..length]);
            let mut flipped = text.to_vec();
            for _ in 0..=random.below(3) {
                flipped[random.below(text.len())] ^= 1 << random.below(8);
            }
            check(&flipped);
            // More digits than fit, where there was one.
            let mut longer = text.to_vec();
            if let Some(digit) = text[random.below(text.len())..]
                .iter()
                .position(u8::is_ascii_digit)
            {
                longer.splice(digit..digit, *b"9999999999999999999");
            }
            check(&longer);
        }
    }
}

/// Marsaglia's xorshift: the same numbers at every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}
