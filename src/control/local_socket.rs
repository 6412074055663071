//! A local socket, each connection to which is carried somewhere else.

use std::io;
use std::path::PathBuf;

use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

/// Short, as the path of a socket has at most about 100 bytes.
const NAME: &str = "s";

/// A socket among the temporary files that only its owner may enter. It is removed when this is dropped.
#[derive(Debug)]
pub struct LocalSocket {
    folder: tempfile::TempDir,
    accepting: JoinHandle<()>,
}

impl LocalSocket {
    /// Opens a socket, and has `carry` take care of each connection to it.
    ///
    /// # Errors
    /// If the socket can't be made.
    pub fn open<C>(carry: impl Fn(UnixStream) -> C + Send + 'static) -> io::Result<Self>
    where
        C: Future<Output = ()> + Send + 'static,
    {
        let folder = tempfile::Builder::new().prefix("sluicegate-").tempdir()?;
        let listener = UnixListener::bind(folder.path().join(NAME))?;
        let accepting = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(carry(connection));
            }
        });
        Ok(Self { folder, accepting })
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join(NAME)
    }
}

impl Drop for LocalSocket {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
