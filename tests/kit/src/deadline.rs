//! Deadlines: a test that hangs fails, with its name in the output.

use std::panic;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// Deadline of a test: more than any test takes on a busy machine, less than a person waits.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Runs `body` in a thread and returns its value.
///
/// # Panics
///
/// If `body` panics, with its message; or if `body` takes longer than `limit`: its thread then goes
/// on.
pub fn within<T: Send + 'static>(limit: Duration, body: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, outcome) = mpsc::channel();
    let thread = thread::spawn(move || {
        // The receiver is gone only if the limit has passed already.
        done.send(body()).ok();
    });
    match outcome.recv_timeout(limit) {
        Ok(value) => value,
        Err(RecvTimeoutError::Timeout) => panic!("not done after {limit:?}"),
        Err(RecvTimeoutError::Disconnected) => match thread.join() {
            Err(payload) => panic::resume_unwind(payload),
            Ok(()) => unreachable!("a body that returns has sent its value"),
        },
    }
}

/// Calls `ask` every 5 ms until it returns a value: for events that can only be polled, such as the
/// start of another process. Returns `None` if there is no value within `limit`.
pub fn until<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let give_up = Instant::now() + limit;
    loop {
        match ask() {
            None if Instant::now() < give_up => pause(),
            answer => return answer,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a pause between two questions, not luck")]
fn pause() {
    thread::sleep(Duration::from_millis(5));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_comes_through() {
        assert_eq!(within(LIMIT, || 7), 7);
    }

    #[test]
    #[should_panic(expected = "not done after 1ms")]
    fn a_body_that_hangs_fails() {
        let (_keep, never) = mpsc::channel::<()>();
        within(Duration::from_millis(1), move || never.recv().ok());
    }

    #[test]
    #[should_panic(expected = "the body's own words")]
    fn a_panic_keeps_its_words() {
        within(LIMIT, || panic!("the body's own words"));
    }

    #[test]
    fn a_question_is_asked_until_it_is_answered_or_the_time_is_over() {
        let mut asked = 0;
        let third = until(LIMIT, || {
            asked += 1;
            (asked == 3).then_some(asked)
        });
        assert_eq!(third, Some(3));
        assert_eq!(until::<()>(Duration::from_millis(20), || None), None);
    }
}
