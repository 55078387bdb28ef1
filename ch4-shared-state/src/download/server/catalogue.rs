//! The files that are served: made ones, which take no disk and no memory, or those of a directory.
//!
//! The names are fixed when the server starts. A request is looked up among them and never becomes a path, so that no
//! `/../` leads out of the directory.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Most files of a directory: each is open as long as the server runs.
const MOST: usize = 512;

/// The files, by number and by name.
#[derive(Debug)]
pub struct Catalogue {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    length: u64,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Made { seed: u64 },
    Disk(File),
}

impl Catalogue {
    /// `count` files of `length` bytes, `file-1.bin` and so on. The same seed makes the same bytes.
    #[must_use]
    pub fn made(count: u32, length: u64, seed: u64) -> Catalogue {
        let entry = |number: u32| Entry {
            name: format!("file-{number}.bin"),
            length,
            source: Source::Made { seed: mix(seed ^ mix(u64::from(number))) },
        };
        Catalogue { entries: (1..=count).map(entry).collect() }
    }

    /// The plain files in a directory, in the order of their names. A name that a URL cannot carry as it is stays out.
    ///
    /// # Errors
    /// What the directory or a file says when it is opened; more than 512 files.
    pub fn of_directory(dir: &Path) -> io::Result<Catalogue> {
        let mut entries = Vec::new();
        for item in fs::read_dir(dir)? {
            let item = item?;
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+".contains(&byte);
            let Some(name) =
                item.file_name().to_str().filter(|name| name.bytes().all(plain)).map(String::from)
            else {
                continue;
            };
            if !item.file_type()?.is_file() {
                continue; // nor a symbolic link, which may lead anywhere
            }
            if entries.len() == MOST {
                return Err(io::Error::other(format!("more than {MOST} files")));
            }
            let file = File::open(item.path())?;
            let length = file.metadata()?.len();
            entries.push(Entry { name, length, source: Source::Disk(file) });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Catalogue { entries })
    }

    /// The number and the length in bytes of the file with this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<(u32, u64)> {
        let index = self.entries.iter().position(|entry| entry.name == name)?;
        Some((index as u32, self.entries[index].length))
    }

    /// Appends bytes of file `index` to `out`.
    ///
    /// # Errors
    /// `UnexpectedEof` when the file on the disk has become shorter, or what the disk says.
    pub fn read(&self, index: u32, from: u64, count: usize, out: &mut Vec<u8>) -> io::Result<()> {
        let entry = self.entries.get(index as usize).ok_or(io::ErrorKind::NotFound)?;
        match &entry.source {
            Source::Made { seed } => make(*seed, from, count, out),
            Source::Disk(file) => {
                let start = out.len();
                out.resize(start + count, 0);
                file.read_exact_at(&mut out[start..], from)?;
            }
        }
        Ok(())
    }

    /// A line per file: its name and its length in bytes.
    #[must_use]
    pub fn list(&self) -> String {
        self.entries.iter().map(|entry| format!("/{} {}\n", entry.name, entry.length)).collect()
    }
}

/// Bytes `from..from + count` of an endless stream: eight of them are a function of where they stand, so that a piece
/// from the middle needs nothing from before it.
fn make(seed: u64, from: u64, count: usize, out: &mut Vec<u8>) {
    let end = out.len() + count;
    let mut word = from / 8;
    let mut skip = (from % 8) as usize;
    while out.len() < end {
        let bytes = mix(seed.wrapping_add(word)).to_le_bytes();
        let take = (end - out.len()).min(8 - skip);
        out.extend_from_slice(&bytes[skip..skip + take]);
        (word, skip) = (word + 1, 0);
    }
}

/// The output function of SplitMix64 (Steele, Lea, Flood, 2014): neighbouring numbers become unlike ones.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_bytes_are_the_same_in_whatever_pieces() {
        let catalogue = Catalogue::made(2, 100, 7);
        let read = |index, from, count| {
            let mut bytes = Vec::new();
            catalogue.read(index, from, count, &mut bytes).unwrap();
            bytes
        };
        let whole = read(0, 0, 100);
        for size in 1..=100 {
            let pieces: Vec<u8> =
                (0..100).step_by(size).flat_map(|from| read(0, from as u64, size.min(100 - from))).collect();
            assert_eq!(pieces, whole, "in pieces of {size}");
        }
        assert_ne!(read(1, 0, 100), whole);
    }

    #[test]
    fn a_directory_is_its_plain_files_and_no_path_is_made_from_a_name() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("b.txt"), b"bee").unwrap();
        fs::write(dir.path().join("a.txt"), b"").unwrap();
        fs::create_dir(dir.path().join("inner")).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", dir.path().join("link")).unwrap();
        let catalogue = Catalogue::of_directory(dir.path()).unwrap();
        assert_eq!(catalogue.list(), "/a.txt 0\n/b.txt 3\n");
        assert_eq!(catalogue.find("b.txt"), Some((1, 3)));
        assert_eq!(catalogue.find("../b.txt"), None);
    }
}
