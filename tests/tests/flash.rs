//! `Blocks` in front of a flash driver: every write has the size and the alignment that flash
//! needs, however the file was cut. The flash is a model that is stricter than most: a word is
//! written once, aligned, and only after its sector was erased.

use std::ops::Range;

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read,
    check_write,
};
use fetchlet_smoltcp::{Block, BlockWriter, Blocks, Sink};
use fetchlet_test_kit::{LIMIT, cut, cuttings, random_bytes, within};

/// The smallest write, in bytes.
const WORD: usize = 4;
/// The smallest erasure, in bytes.
const SECTOR: usize = 64;
/// The number of sectors.
const SECTORS: usize = 8;

/// The part of the flash that files are written to; the bytes around it must not change.
const PARTITION: Range<u32> = 128..448;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FlashError {
    Address(NorFlashErrorKind),
    /// The word was written since its sector was erased, or the sector was never erased.
    NotErased,
}

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Address(kind) => *kind,
            Self::NotErased => NorFlashErrorKind::Other,
        }
    }
}

struct Flash {
    bytes: Vec<u8>,
    erased: Vec<bool>,
    /// How often each sector was erased.
    erasures: [u32; SECTORS],
}

impl Flash {
    /// Makes a flash as its last use left it: no sector is erased.
    fn used() -> Self {
        let bytes = vec![0x55; SECTORS * SECTOR];
        Self { erased: vec![false; bytes.len() / WORD], bytes, erasures: [0; SECTORS] }
    }
}

impl ErrorType for Flash {
    type Error = FlashError;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        check_read(self, offset, bytes.len()).map_err(FlashError::Address)?;
        bytes.copy_from_slice(&self.bytes[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = SECTOR;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        check_erase(self, from, to).map_err(FlashError::Address)?;
        let range = from as usize..to as usize;
        self.bytes[range.clone()].fill(0xFF);
        self.erased[range.start / WORD..range.end / WORD].fill(true);
        for sector in &mut self.erasures[range.start / SECTOR..range.end / SECTOR] {
            *sector += 1;
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        check_write(self, offset, bytes.len()).map_err(FlashError::Address)?;
        let range = offset as usize..offset as usize + bytes.len();
        let words = &mut self.erased[range.start / WORD..range.end / WORD];
        if words.contains(&false) {
            return Err(FlashError::NotErased);
        }
        words.fill(false);
        self.bytes[range].copy_from_slice(bytes);
        Ok(())
    }
}

#[derive(Debug, PartialEq, Eq)]
enum WriteError {
    TooLarge,
    Flash(FlashError),
}

/// A driver as firmware would have it: it erases the partition at the beginning and pads the last
/// block.
struct PartitionWriter(Flash);

impl<const N: usize> BlockWriter<N> for PartitionWriter {
    type Error = WriteError;

    fn begin(&mut self, len: u32) -> Result<(), WriteError> {
        if len > PARTITION.end - PARTITION.start {
            return Err(WriteError::TooLarge);
        }
        let end = PARTITION.start + len.next_multiple_of(SECTOR as u32);
        self.0.erase(PARTITION.start, end).map_err(WriteError::Flash)
    }

    fn write(&mut self, offset: u32, block: Block<'_, N>) -> Result<(), WriteError> {
        let mut padded = [0xFF; N];
        let bytes = match block {
            Block::Whole(bytes) => {
                assert_eq!(bytes.as_ptr().align_offset(4), 0, "in memory as well");
                &bytes[..]
            }
            Block::Tail(tail) => {
                padded[..tail.len()].copy_from_slice(tail);
                &padded[..tail.len().next_multiple_of(WORD)]
            }
        };
        self.0.write(PARTITION.start + offset, bytes).map_err(WriteError::Flash)
    }
}

fn write<const N: usize>(blocks: &mut Blocks<PartitionWriter, N>, file: &[u8], pieces: &[&[u8]]) {
    blocks.begin(u32::try_from(file.len()).unwrap()).unwrap();
    for piece in pieces {
        blocks.write(piece).unwrap();
    }
    blocks.finish().unwrap();
}

/// Asserts that the flash holds the padded file, that each sector of the file was erased `times`
/// times, and that all other bytes are unchanged.
fn check(flash: &Flash, file: &[u8], times: u32, what: &str) {
    let start = PARTITION.start as usize;
    let erased = start..start + file.len().next_multiple_of(SECTOR);
    for (sector, erasures) in flash.erasures.iter().enumerate() {
        let expected = if erased.contains(&(sector * SECTOR)) { times } else { 0 };
        assert_eq!(*erasures, expected, "sector {sector}, {what}");
    }
    let mut expected = vec![0x55; flash.bytes.len()];
    expected[erased].fill(0xFF);
    expected[start..start + file.len()].copy_from_slice(file);
    assert!(flash.bytes == expected, "{what}");
}

fn every_size_in_every_cutting<const N: usize>() {
    for size in 0..=3 * N + 1 {
        let file = random_bytes(size as u64, size);
        for (name, pieces) in cuttings(&file) {
            let mut blocks = Blocks::<_, N>::new(PartitionWriter(Flash::used()));
            write(&mut blocks, &file, &pieces);
            check(&blocks.into_inner().0, &file, 1, &format!("{size} bytes by {N}, {name}"));
        }
    }
}

#[test]
fn blocks_of_a_word_fit_the_flash() {
    within(LIMIT, every_size_in_every_cutting::<WORD>);
}

#[test]
fn blocks_of_a_page_fit_the_flash() {
    within(LIMIT, every_size_in_every_cutting::<16>);
}

#[test]
fn blocks_of_a_sector_fit_the_flash() {
    within(LIMIT, every_size_in_every_cutting::<SECTOR>);
}

#[test]
fn blocks_of_several_sectors_and_a_half_fit_the_flash() {
    within(LIMIT, || {
        let file = random_bytes(1, 320);
        for size in [159, 160, 161, 319, 320] {
            let file = &file[..size];
            let mut blocks = Blocks::<_, 160>::new(PartitionWriter(Flash::used()));
            write(&mut blocks, file, &cut(file, [7]));
            check(&blocks.into_inner().0, file, 1, &format!("{size} bytes by 160"));
        }
    });
}

#[test]
fn a_second_file_begins_anew() {
    within(LIMIT, || {
        let mut blocks = Blocks::<_, 16>::new(PartitionWriter(Flash::used()));
        // The first file ends in the middle of a block, as after a lost connection.
        Sink::begin(&mut blocks, 40).unwrap();
        blocks.write(&[7; 21]).unwrap();
        let file = random_bytes(2, 50);
        write(&mut blocks, &file, &cut(&file, [9]));
        check(&blocks.into_inner().0, &file, 2, "after one broken off");
    });
}

#[test]
fn a_file_too_large_for_the_flash_is_refused_before_anything_is_erased() {
    within(LIMIT, || {
        let room = PARTITION.end - PARTITION.start;
        for len in [room + 1, room + 16, u32::MAX] {
            let mut blocks = Blocks::<_, 16>::new(PartitionWriter(Flash::used()));
            assert_eq!(blocks.begin(len), Err(WriteError::TooLarge));
            check(&blocks.into_inner().0, &[], 1, &format!("{len} bytes"));
        }
        let file = random_bytes(3, room as usize);
        let mut blocks = Blocks::<_, 16>::new(PartitionWriter(Flash::used()));
        write(&mut blocks, &file, &[&file]);
        check(&blocks.into_inner().0, &file, 1, "all of the partition");
    });
}

/// The tests above rely on these errors of the model.
#[test]
fn the_model_forbids_what_flash_forbids() {
    let mut flash = Flash::used();
    let unaligned = Err(FlashError::Address(NorFlashErrorKind::NotAligned));
    let outside = Err(FlashError::Address(NorFlashErrorKind::OutOfBounds));
    assert_eq!(flash.write(0, &[0; 4]), Err(FlashError::NotErased));
    assert_eq!(flash.erase(0, 63), unaligned);
    assert_eq!(flash.erase(448, 576), outside);
    assert_eq!(flash.erase(0, 64), Ok(()));
    assert_eq!(flash.write(2, &[0; 4]), unaligned);
    assert_eq!(flash.write(0, &[0; 3]), unaligned);
    assert_eq!(flash.write(512, &[0; 4]), outside);
    assert_eq!(flash.write(60, &[0; 8]), Err(FlashError::NotErased));
    assert_eq!(flash.write(4, &[0xFF; 4]), Ok(()));
    assert_eq!(flash.write(4, &[0; 4]), Err(FlashError::NotErased));
    let mut read = [0; 4];
    assert_eq!(flash.read(510, &mut read), outside);
    assert_eq!(flash.read(4, &mut read), Ok(()));
    assert_eq!(read, [0xFF; 4]);
}

/// After a failed write, the next block goes to its own place.
#[test]
fn a_block_that_failed_is_not_written_again() {
    #[derive(Default)]
    struct Failing(Vec<u32>);

    impl BlockWriter<4> for Failing {
        type Error = ();

        fn begin(&mut self, _: u32) -> Result<(), ()> {
            Ok(())
        }

        fn write(&mut self, offset: u32, _: Block<'_, 4>) -> Result<(), ()> {
            self.0.push(offset);
            if offset == 4 { Err(()) } else { Ok(()) }
        }
    }

    let mut blocks = Blocks::new(Failing::default());
    blocks.begin(12).unwrap();
    blocks.write(b"0123").unwrap();
    assert_eq!(blocks.write(b"4567"), Err(()));
    blocks.write(b"89ab").unwrap();
    blocks.finish().unwrap();
    assert_eq!(blocks.into_inner().0, [0, 4, 8]);
}
