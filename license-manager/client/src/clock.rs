use nix::time::{ClockId, clock_gettime};
use plenary_licences::clock::Reading;

/// What this machine's clocks say now.
pub fn reading() -> Reading {
    let ms = |clock| {
        let time = clock_gettime(clock).expect("Linux has this clock since 2.6.39");
        u64::try_from(time.tv_sec()).unwrap_or(0) * 1000
            + u64::try_from(time.tv_nsec()).unwrap_or(0) / 1_000_000
    };
    Reading {
        boot_ms: ms(ClockId::CLOCK_BOOTTIME),
        wall_ms: ms(ClockId::CLOCK_REALTIME),
    }
}

/// Which boot of this machine it is.
///
/// # Errors
/// When the system does not say.
pub fn boot_id() -> std::io::Result<u128> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let digits = text.trim().replace('-', "");
    u128::from_str_radix(&digits, 16).map_err(std::io::Error::other)
}
