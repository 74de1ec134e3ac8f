//! Holds what every measure needs: sizes, files, tools, and the order of turns.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use fetchlet_test_kit::{TempFolder, bare};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::args::Args;
use crate::congestion::CongestionControl;
use crate::files::{TestFile, TestFiles, check_room};
use crate::result::Result;
use crate::tools::Tools;

/// Bytes of a kibibyte.
const KIB: u64 = 1 << 10;
/// Bytes of a mebibyte.
const MIB: u64 = 1 << 20;

/// Sizes in bytes, and numbers of connections and requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) small: u64,
    pub(crate) medium: u64,
    pub(crate) large: u64,
    pub(crate) huge: u64,
    pub(crate) longest: u64,
    /// The length of each of the four cold files.
    pub(crate) cold: u64,
    pub(crate) idle: usize,
    pub(crate) slow: usize,
    /// The number of requests during which strace counts system calls.
    pub(crate) traced: u64,
    /// The number of downloads in one turn of a measure of short processes.
    pub(crate) processes: u32,
}

/// The sizes that the goals are for.
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

/// Sizes with which every measure ends within seconds, also in a debug build.
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
    pub(crate) files: TestFiles,
    pub(crate) tools: Tools,
    pub(crate) congestion: CongestionControl,
    program: PathBuf,
    /// The build that `--against` names.
    pub(crate) before: Option<PathBuf>,
    out: TempFolder,
}

impl Setting {
    pub(crate) fn new(
        args: &Args,
        program: PathBuf,
        congestion: CongestionControl,
    ) -> Result<Self> {
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
            files: TestFiles::new(&dir)?,
            tools,
            congestion,
            program,
            before: args.against.as_ref().map(|it| it.canonicalize()).transpose()?,
            out: TempFolder::within(&args.out_dir)?,
        })
    }

    /// The program under measure, or the build before it, with nothing but its defaults.
    pub(crate) fn fetchlet(&self, before: bool) -> Command {
        let program = self.before.as_ref().filter(|_| before);
        bare(program.unwrap_or(&self.program))
    }

    /// Returns the path to which a download is written.
    pub(crate) fn out(&self) -> PathBuf {
        self.out.path().join("out")
    }

    /// Returns the small file, made when it is first used.
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

    /// Gives each of `competitors` one turn per round. The first of a round is the second of the
    /// round before.
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

/// Returns cargo's target folder, which is on a disk even where the temporary folder is in memory.
fn own_folder() -> Result<PathBuf> {
    Ok(std::env::current_exe()?.parent().ok_or("no folder around this program")?.to_owned())
}

/// Raises the limit of open files to its maximum, because ten thousand connections exceed the usual
/// default.
fn raise_file_limit() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?)
}
