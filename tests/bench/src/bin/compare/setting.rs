//! What a measure works with: sizes, files, tools, and the order of turns.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use fetchlet_test_kit::{Folder, bare};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::Result;
use crate::args::Args;
use crate::files::{Files, TestFile, check_room};
use crate::network::Network;
use crate::tools::Tools;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// How much there is to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) small: u64,
    pub(crate) medium: u64,
    pub(crate) large: u64,
    pub(crate) huge: u64,
    pub(crate) longest: u64,
    /// Each of four.
    pub(crate) cold: u64,
    pub(crate) idle: usize,
    pub(crate) slow: usize,
    /// Requests while system calls are counted.
    pub(crate) traced: u64,
    /// Downloads in a row by a process each.
    pub(crate) processes: u32,
}

const FULL: Sizes = Sizes {
    small: KIB,
    medium: MIB,
    large: 64 * MIB,
    huge: 1024 * MIB,
    longest: 4096 * MIB - 1,
    cold: 256 * MIB,
    idle: 10_000,
    slow: 1000,
    traced: 2000,
    processes: 50,
};

const QUICK: Sizes = Sizes {
    small: KIB,
    medium: 256 * KIB,
    large: MIB,
    huge: 4 * MIB,
    longest: 16 * MIB - 1,
    cold: MIB,
    idle: 100,
    slow: 20,
    traced: 50,
    processes: 2,
};

#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) rounds: usize,
    pub(crate) seconds: Duration,
    pub(crate) sizes: Sizes,
    pub(crate) files: Files,
    pub(crate) tools: Tools,
    pub(crate) network: Network,
    program: PathBuf,
    /// The build that `--against` names.
    pub(crate) before: Option<PathBuf>,
    out: Folder,
}

impl Setting {
    pub(crate) fn new(args: &Args, program: PathBuf, network: Network) -> Result<Self> {
        let tools = Tools::find(&args.require)?;
        raise_file_limit()?;
        let dir = match &args.dir {
            Some(dir) => dir.canonicalize()?,
            None => own_folder()?,
        };
        let sizes = if args.quick { QUICK } else { FULL };
        check_room(&args.out_dir, sizes.huge)?;
        Ok(Self {
            rounds: if args.quick { 1 } else { usize::try_from(args.rounds)? },
            seconds: if args.quick { Duration::from_millis(100) } else { args.seconds },
            sizes,
            files: Files::new(&dir)?,
            tools,
            network,
            program,
            before: args.against.as_ref().map(|it| it.canonicalize()).transpose()?,
            out: Folder::within(&args.out_dir)?,
        })
    }

    /// The program under measure, or the build before it, with nothing but its defaults.
    pub(crate) fn fetchlet(&self, before: bool) -> Command {
        let program = self.before.as_ref().filter(|_| before);
        bare(program.unwrap_or(&self.program))
    }

    /// Where a download goes.
    pub(crate) fn out(&self) -> PathBuf {
        self.out.path().join("out")
    }

    /// One that is asked for often.
    pub(crate) fn small(&self) -> Result<TestFile> {
        self.files.noise("small", self.sizes.small)
    }

    pub(crate) fn medium(&self) -> Result<TestFile> {
        self.files.noise("medium", self.sizes.medium)
    }

    pub(crate) fn large(&self) -> Result<TestFile> {
        self.files.noise("large", self.sizes.large)
    }

    pub(crate) fn huge(&self) -> Result<TestFile> {
        self.files.noise("huge", self.sizes.huge)
    }

    /// Every one of `competitors` once per round; who is first changes.
    pub(crate) fn rounds<T>(
        &self,
        competitors: &[T],
        mut turn: impl FnMut(&T) -> Result<()>,
    ) -> Result<()> {
        for round in 0..self.rounds {
            for competitor in competitors
                .iter()
                .cycle()
                .skip(round % competitors.len().max(1))
                .take(competitors.len())
            {
                turn(competitor)?;
            }
        }
        Ok(())
    }
}

/// Cargo's target folder, which is on a disk wherever a temporary folder may not be.
fn own_folder() -> Result<PathBuf> {
    Ok(std::env::current_exe()?.parent().ok_or("no folder around this program")?.to_owned())
}

/// Ten thousand connections are more than most systems give without being asked.
fn raise_file_limit() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?)
}
