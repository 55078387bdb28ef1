//! The file of a Unix socket (unix(7)): it outlives its server, so it is removed by hand.

use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// Makes room for a socket at `path`: one that a killed server left behind is removed.
///
/// # Errors
/// `EADDRINUSE`, in a sentence, when a server listens there or the file is no socket; what unlink(2) says.
pub fn remove_leftover(path: &Path) -> io::Result<()> {
    let in_use = |why| Err(io::Error::new(ErrorKind::AddrInUse, format!("Address already in use: {why}")));
    match path.symlink_metadata() {
        Ok(file) if !file.file_type().is_socket() => in_use("the file is no socket"),
        Ok(_) => match UnixStream::connect(path) {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => std::fs::remove_file(path),
            _ => in_use("a server listens there"),
        },
        Err(_) => Ok(()), // bind(2) says what is wrong, if anything is
    }
}

/// The file of a socket that this process has bound. Dropped, it is removed, unless another server has its own socket there by now.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    inode: u64,
}

impl SocketFile {
    /// The file that bind(2) has just made.
    ///
    /// # Errors
    /// It is gone already.
    pub fn of(path: &Path) -> io::Result<SocketFile> {
        Ok(SocketFile { path: path.to_owned(), inode: path.symlink_metadata()?.ino() })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.path.symlink_metadata().is_ok_and(|file| file.ino() == self.inode) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn only_its_own_file_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let first = UnixListener::bind(&path).unwrap();
        let file = SocketFile::of(&path).unwrap();
        let refused = remove_leftover(&path).unwrap_err().to_string();
        assert!(path.exists() && refused.contains("a server listens there"), "{refused}");
        // Another server's socket; the first is kept, so that its inode is not used again.
        std::fs::rename(&path, folder.path().join("moved")).unwrap();
        let second = UnixListener::bind(&path).unwrap();
        drop(file);
        assert!(path.exists(), "it is another server's");
        drop((first, SocketFile::of(&path).unwrap()));
        assert!(!path.exists());
        drop(second);
        std::fs::write(&path, "no socket").unwrap();
        let refused = remove_leftover(&path).unwrap_err().to_string();
        assert!(path.exists() && refused.contains("no socket"), "{refused}");
        let left = folder.path().join("left");
        drop(UnixListener::bind(&left).unwrap());
        remove_leftover(&left).unwrap();
        assert!(!left.exists());
    }
}
