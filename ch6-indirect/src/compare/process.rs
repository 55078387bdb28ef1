//! What a server uses: memory of all its processes, and flushes of the disk.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use common::bench::machine::tree;
use nix::sys::stat::{major, minor};

/// Memory of a process and those it has started: resident, in KiB.
pub fn tree_kib(pid: u32) -> u64 {
    tree(pid).into_iter().map(resident_kib).sum()
}

fn resident_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    resident.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// How often the disk that a directory is on was told to flush, by all programs: what fdatasync(2) comes to on a disk with a cache
/// (diskstats, field 16 behind the name). `None`: the kernel does not count it.
pub fn flushes(directory: &Path) -> Option<u64> {
    let device = fs::metadata(directory).ok()?.dev();
    let (major, minor) = (major(device).to_string(), minor(device).to_string());
    flushes_in(&fs::read_to_string("/proc/diskstats").ok()?, &major, &minor)
}

fn flushes_in(diskstats: &str, major: &str, minor: &str) -> Option<u64> {
    diskstats.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        (fields.first() == Some(&major) && fields.get(1) == Some(&minor))
            .then(|| fields.get(18)?.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flushes_are_those_of_the_disk() {
        let diskstats = "   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 9 0\n \
            254       0 vda 6625368 166414 261324586 9954735 1198967 1450859 1046284256 4594789 0 700860 14803071 1233358 \
            233 978878504 221274 149970 32272\n";
        assert_eq!(flushes_in(diskstats, "254", "0"), Some(149_970));
        assert_eq!(flushes_in(diskstats, "254", "1"), None);
        assert_eq!(flushes_in("254 0 vda 1 2 3\n", "254", "0"), None, "an older kernel");
    }

    #[test]
    fn a_process_has_memory_and_no_stranger_in_its_tree() {
        let own = std::process::id();
        assert_eq!(tree(own).first(), Some(&own));
        assert!(tree_kib(own) > 100);
    }
}
