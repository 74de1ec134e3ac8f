//! The addresses and the filename, from the command line that QEMU was given: no run needs a build.

use core::mem::MaybeUninit;

use defmt::Formatter;
use fetchlet_codec::Filename;
use semihosting::sys::arm_compat::sys_get_cmdline_uninit;
use smoltcp::time::Duration;
use smoltcp::wire::{Ipv4Address, Ipv4Cidr};

use crate::mac::Mac;

/// The longest filename in bytes; the protocol's own bound is 1024 (R2).
pub(crate) const MAX_NAME_LEN: usize = 64;

/// The parts of a command line.
pub(crate) struct Settings {
    pub(crate) address: Ipv4Cidr,
    pub(crate) gateway: Option<Ipv4Address>,
    pub(crate) server: Ipv4Address,
    pub(crate) port: u16,
    pub(crate) timeout: Duration,
    pub(crate) filename: Filename<MAX_NAME_LEN>,
}

/// An IPv4 address in dotted notation: smoltcp's own format for defmt links `core::fmt`.
struct Dotted(Ipv4Address);

impl defmt::Format for Dotted {
    fn format(&self, out: Formatter<'_>) {
        let [a, b, c, d] = self.0.octets();
        defmt::write!(out, "{=u8}.{=u8}.{=u8}.{=u8}", a, b, c, d);
    }
}

impl Settings {
    pub(crate) fn log(&self) {
        let (address, prefix) = (Dotted(self.address.address()), self.address.prefix_len());
        let gateway = self.gateway.map(Dotted);
        defmt::info!("{} is {}/{=u8}, gateway {}", Mac::address(), address, prefix, gateway);
        let name = self.filename.as_str();
        defmt::info!("fetching {=str} from {}:{=u16}", name, Dotted(self.server), self.port);
    }
}

/// Reads `PROGRAM ADDRESS/PREFIX GATEWAY|- SERVER PORT SECONDS FILE`; the error says what is wrong.
pub(crate) fn read() -> Result<Settings, &'static str> {
    let mut buffer = [MaybeUninit::uninit(); 256];
    let line = sys_get_cmdline_uninit(&mut buffer).map_err(|_| "no command line")?;
    let line = str::from_utf8(line).map_err(|_| "the command line is not UTF-8")?;
    // The filename is the rest of the line, and may have spaces.
    let mut words = line.trim_end_matches('\0').splitn(7, ' ').skip(1);
    let mut word = || words.next().ok_or("too few arguments");
    let (address, gateway, server) = (word()?, word()?, word()?);
    let port = word()?.parse().map_err(|_| "bad port")?;
    let seconds: u32 = word()?.parse().map_err(|_| "bad number of seconds")?;
    Ok(Settings {
        address: address.parse().map_err(|()| "bad address")?,
        gateway: match gateway {
            "-" => None,
            gateway => Some(gateway.parse().map_err(|_| "bad gateway")?),
        },
        server: server.parse().map_err(|_| "bad server")?,
        port,
        timeout: Duration::from_secs(seconds.into()),
        filename: Filename::new(word()?).map_err(|_| "bad filename")?,
    })
}
