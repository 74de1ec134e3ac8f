//! TAP devices: makes one or opens one that exists, and waits until it runs.

use std::fs::File;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;

use crate::failure::Failure;
use crate::tap_device::TapDevice;

/// The character device behind every TAP.
const DEVICE: &str = "/dev/net/tun";

/// Fails if this process can't use TAPs at all, with the reason.
pub(crate) fn check() -> Result<(), Failure> {
    let Err(fault) = File::options().read(true).write(true).open(DEVICE) else { return Ok(()) };
    Err(Failure::Unavailable(match fault.kind() {
        io::ErrorKind::NotFound => format!(
            "there is no {DEVICE}: load the module by `modprobe tun`, or start the container with \
             --device {DEVICE}"
        ),
        _ => format!(
            "{DEVICE} is refused here ({fault}): run this as root, or open it to users by \
             `chmod 666 {DEVICE}`"
        ),
    }))
}

/// Makes a TAP, which dropping removes.
pub(crate) fn create(name: &str) -> Result<TapDevice, Failure> {
    TapDevice::open(name)
        .map_err(|fault| Failure::Unavailable(format!("a TAP can't be made here: {fault}")))
}

/// Opens a TAP that exists. Without the check, opening a free name would make a TAP.
pub(crate) fn attach(name: &str) -> Result<TapDevice, Failure> {
    if flags(name)?.is_none() {
        return Err(Failure::Unavailable(format!(
            "there is no interface {name}: make it by `ip tuntap add dev {name} mode tap user $USER`"
        )));
    }
    TapDevice::open(name).map_err(|fault| {
        let why = match fault.kind() {
            io::ErrorKind::ResourceBusy => "another process has it",
            io::ErrorKind::InvalidInput => "it is no TAP",
            _ => "make it for your user by `ip tuntap add ... user $USER`, or run this as root",
        };
        Failure::Unavailable(format!("{name} can't be used ({fault}): {why}"))
    })
}

/// Waits until the kernel sends through the TAP, about a millisecond after a device opened it. An
/// ARP request before that gets no answer, and is repeated only after a second.
pub(crate) fn wait_until_running(name: &str) -> Result<(), Failure> {
    let deadline = Instant::now() + Duration::from_secs(2);
    loop {
        let flags = flags(name)?.unwrap_or(InterfaceFlags::empty());
        if flags.contains(InterfaceFlags::IFF_RUNNING) {
            return Ok(());
        }
        if !flags.contains(InterfaceFlags::IFF_UP) || Instant::now() > deadline {
            return Err(Failure::Unavailable(format!(
                "{name} is not up: start it by `ip link set {name} up`"
            )));
        }
        thread::sleep(Duration::from_micros(200));
    }
}

/// The flags of the interface `name`; `None` if there is no such interface.
fn flags(name: &str) -> Result<Option<InterfaceFlags>, Failure> {
    let mut all = getifaddrs()
        .map_err(|fault| Failure::Failed(format!("the interfaces can't be listed: {fault}")))?;
    Ok(all.find(|interface| interface.interface_name == name).map(|interface| interface.flags))
}
