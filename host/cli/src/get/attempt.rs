//! One download, tried as often as the arguments allow.

use std::cell::Cell;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;
use std::thread;
use std::time::Duration;

use fetchlet::{ClientError, Progress, Response, Staging, Summary};

use super::args::Args;
use super::target::Target;
use crate::interrupt::Interrupt;
use crate::output::{Chain, escape_for_terminal, post_line};
use crate::progress::{Display, Style};

/// The delay before the first retry, as curl's; each further delay is twice as long.
const FIRST_DELAY: Duration = Duration::from_secs(1);

/// The longest delay between two tries. Chosen so that a server that is back is found within half a
/// minute.
const MAX_DELAY: Duration = Duration::from_secs(30);

/// Tries until the file is whole, a failure is final, or all tries are used up.
pub(super) fn retry(
    args: &Args,
    target: &Target,
    interrupt: &Interrupt,
) -> Result<Summary, ClientError> {
    let mut delay = FIRST_DELAY;
    for left in (1..=args.retry).rev() {
        let written = Cell::new(false);
        match attempt(args, target, interrupt, &written) {
            // What went to a stream can't be taken back.
            Err(error) if error.is_transient() && !written.get() => {
                let wait = jittered(delay);
                post_line(format_args!(
                    "{}: {}; trying again in {wait:.1?} ({left} left)",
                    args.file.as_str(),
                    Chain(&error)
                ));
                thread::sleep(wait);
                delay = (delay * 2).min(MAX_DELAY);
            }
            result => return result,
        }
    }
    attempt(args, target, interrupt, &Cell::new(false))
}

/// Tries once. Sets `written` when data went to a stream.
fn attempt(
    args: &Args,
    target: &Target,
    interrupt: &Interrupt,
    written: &Cell<bool>,
) -> Result<Summary, ClientError> {
    if let Target::File(path) = target {
        Staging::check(path, args.if_exists())?;
    }
    let response = args.client().get((args.host.as_str(), args.port), args.file.clone())?;
    let style = if args.quiet { Style::None } else { args.progress };
    let name = escape_for_terminal(args.file.as_str());
    let mut display = Display::new(style, &name, response.data_len());
    let response = response.verify(args.verify()).sync(!args.no_sync);
    match target {
        Target::File(path) => {
            save(response.on_progress(|progress| display.update(progress)), path, args, interrupt)
        }
        Target::Stream(stream, _) => response
            .on_progress(|progress| {
                written.set(true);
                display.update(progress);
            })
            .copy_to_file(stream),
    }
}

/// As [`Response::save`], with the staging file known to `interrupt` while there is one.
fn save(
    response: Response<impl std::io::Read, impl FnMut(Progress)>,
    target: &Path,
    args: &Args,
    interrupt: &Interrupt,
) -> Result<Summary, ClientError> {
    let mut staging = interrupt.create_staging(target)?;
    let summary = response.copy_to_staging(&mut staging)?;
    interrupt.commit(staging, args.if_exists())?;
    Ok(summary)
}

/// Half to all of `delay`: clients that failed together do not come back together.
fn jittered(delay: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() as u32;
    delay.mul_f64(0.5 + f64::from(random) / f64::from(u32::MAX) / 2.0)
}
