//! Measures one row of the table: the downloads by every program over one link, one after
//! another.

use std::fs;
use std::io;
use std::thread;
use std::time::Duration;

use fetchlet_test_kit::{TempFolder, random_bytes};

use crate::args::{Args, impairments};
use crate::downloaders::{Downloader, FetchResult, Servers};
use crate::link::Link;

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) cells: Vec<String>,
    /// Every download by `fetchlet get` was whole.
    pub(crate) whole: bool,
}

/// Measures these pairs of round-trip time and loss at the same time, each on a link of its own.
pub(crate) fn rows(
    args: &Args,
    downloaders: &[Downloader],
    cells: &[(u64, f64)],
) -> io::Result<Vec<Row>> {
    thread::scope(|scope| {
        let measured = cells
            .iter()
            .map(|(rtt, loss)| scope.spawn(move || row(args, downloaders, *rtt, *loss)));
        let measured: Vec<_> = measured.collect();
        let panicked = |_| Err(io::Error::other("a measurement panicked"));
        measured.into_iter().map(|row| row.join().unwrap_or_else(panicked)).collect()
    })
}

fn row(args: &Args, downloaders: &[Downloader], rtt: u64, loss: f64) -> io::Result<Row> {
    let folder = TempFolder::new()?;
    let content = random_bytes(args.seed, usize::try_from(args.size).map_err(io::Error::other)?);
    fs::write(folder.path().join("file"), &content)?;
    let link = Link::new(impairments(rtt, loss, args.rate, args.queue), args.seed)?;
    let servers = Servers::start(&link, folder.path(), downloaders)?;
    let mut outcomes = vec![Vec::new(); downloaders.len()];
    for round in 0..args.rounds {
        for (downloader, outcomes) in downloaders.iter().zip(&mut outcomes) {
            if round > 0 && downloader.is_tftp() {
                continue;
            }
            let limit = Duration::from_secs(args.limit);
            let outcome = servers.fetch(*downloader, &content, limit)?;
            eprintln!("RTT {rtt} ms, loss {loss} %, {}: {outcome:?}", downloader.name());
            outcomes.push(outcome);
        }
    }
    drop(servers);
    let [from_server, from_client] = link.end()?;
    let lost = from_server.lost + from_client.lost;
    let mut cells = vec![rtt.to_string(), format!("{loss} %")];
    cells.extend(outcomes.iter().map(|outcomes| shown(outcomes, args.limit)));
    cells.push(format!("{lost} of {}", from_server.frames + from_client.frames));
    cells.push((from_server.overflowed + from_client.overflowed).to_string());
    Ok(Row { cells, whole: ours_are_whole(downloaders, &outcomes) })
}

fn ours_are_whole(downloaders: &[Downloader], outcomes: &[Vec<FetchResult>]) -> bool {
    let is_whole = |outcome: &FetchResult| matches!(outcome, FetchResult::Done(_));
    downloaders.iter().zip(outcomes).all(|(downloader, outcomes)| {
        *downloader != Downloader::Get || outcomes.iter().all(is_whole)
    })
}

/// Shows the median of the times in seconds, and what went wrong.
fn shown(outcomes: &[FetchResult], limit: u64) -> String {
    let mut times = Vec::new();
    let mut wrong = Vec::new();
    for outcome in outcomes {
        match outcome {
            FetchResult::Done(time) => times.push(*time),
            FetchResult::Late => wrong.push(format!("not done in {limit} s")),
            FetchResult::Failed(said) => wrong.push(format!("failed: {said}")),
            FetchResult::Differs => wrong.push("other bytes".into()),
        }
    }
    times.sort_unstable();
    let median = times.get(times.len() / 2).map(|time| format!("{:.3}", time.as_secs_f64()));
    wrong.dedup();
    median.into_iter().chain(wrong).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_the_median_and_what_went_wrong() {
        let done = |ms| FetchResult::Done(Duration::from_millis(ms));
        assert_eq!(shown(&[done(900), done(100), done(200)], 60), "0.200");
        assert_eq!(shown(&[FetchResult::Late, FetchResult::Late], 60), "not done in 60 s");
        assert_eq!(shown(&[done(1), FetchResult::Differs], 60), "0.001; other bytes");
    }

    #[test]
    fn only_ours_must_be_whole_and_each_of_them() {
        let both = [Downloader::Get, Downloader::Tftp];
        let done = FetchResult::Done(Duration::ZERO);
        assert!(ours_are_whole(&both, &[vec![done.clone()], vec![FetchResult::Late]]));
        for other in [FetchResult::Late, FetchResult::Differs, FetchResult::Failed(String::new())] {
            assert!(!ours_are_whole(&both, &[vec![done.clone(), other], vec![done.clone()]]));
        }
    }
}
