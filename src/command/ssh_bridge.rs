//! A bridge to the control socket of another machine, by ssh.

use std::path::{Path, PathBuf};

use color_eyre::eyre::Result;

#[cfg(unix)]
use crate::control::local_socket::LocalSocket;

/// A local socket, each connection to which is one to the control socket of another machine.
#[derive(Debug)]
pub(super) struct SshBridge {
    #[cfg(unix)]
    socket: LocalSocket,
}

impl SshBridge {
    /// Opens a bridge to `host`; `spool` names the spool there, if it is not that of the configuration
    /// there. Nothing is connected yet.
    #[cfg(unix)]
    pub(super) fn open(host: &str, spool: Option<&str>) -> Result<Self> {
        let mut remote = vec!["sluicegate", "attach", "--pipe"];
        remote.extend(spool.into_iter().flat_map(|spool| ["--spool", spool]));
        let arguments: Vec<String> = std::iter::once(host.to_owned())
            .chain(remote.into_iter().map(quoted))
            .collect();
        let socket = LocalSocket::open(move |connection| connect(connection, arguments.clone()))?;
        Ok(Self { socket })
    }

    /// There are no such sockets here.
    #[cfg(not(unix))]
    pub(super) fn open(_host: &str, _spool: Option<&str>) -> Result<Self> {
        color_eyre::eyre::bail!("--ssh needs Unix sockets; use --at with control.listen")
    }

    /// The local socket.
    #[cfg(unix)]
    pub(super) fn socket(&self) -> PathBuf {
        self.socket.path()
    }

    /// There is none: it can't be opened.
    #[cfg(not(unix))]
    pub(super) fn socket(&self) -> PathBuf {
        PathBuf::new()
    }
}

/// Runs ssh for a connection. What it says of itself is on standard error, which the screen covers: the
/// program shows that nothing comes.
#[cfg(unix)]
async fn connect(mut connection: tokio::net::UnixStream, arguments: Vec<String>) {
    use std::process::Stdio;
    let ssh = tokio::process::Command::new("ssh")
        // Nobody can be asked for a password behind the screen.
        .args(["-T", "-o", "BatchMode=yes"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut ssh = match ssh {
        Ok(ssh) => ssh,
        Err(error) => {
            tracing::error!("cannot run ssh: {error}");
            return;
        }
    };
    if let (Some(to), Some(from)) = (ssh.stdin.take(), ssh.stdout.take()) {
        let mut remote = tokio::io::join(from, to);
        // An error is an end, on either side.
        let _ = tokio::io::copy_bidirectional(&mut connection, &mut remote).await;
    }
}

/// An argument as a shell reads it.
pub(super) fn quoted(argument: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./@".contains(c);
    if !argument.is_empty() && argument.chars().all(is_plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

/// Connects standard input and output with the control socket at `path`.
#[cfg(unix)]
pub(super) async fn pipe(path: &Path) -> Result<()> {
    use color_eyre::eyre::WrapErr as _;
    let connecting = tokio::net::UnixStream::connect(path).await;
    let mut socket = connecting.wrap_err_with(|| {
        let path = path.display();
        format!("no forwarder listens on {path}; start one, or name its spool with --spool")
    })?;
    let mut here = tokio::io::join(tokio::io::stdin(), tokio::io::stdout());
    // An error is an end, on either side.
    let _ = tokio::io::copy_bidirectional(&mut here, &mut socket).await;
    Ok(())
}

/// There are no such sockets here.
#[cfg(not(unix))]
pub(super) async fn pipe(_path: &Path) -> Result<()> {
    color_eyre::eyre::bail!("this system has no Unix sockets")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn an_argument_reaches_the_other_shell_as_it_is() {
        for argument in ["/var/spool", "a b", "it's", "$(x)", "", "ü"] {
            let command = format!("printf %s {}", quoted(argument));
            let output = std::process::Command::new("sh")
                .args(["-c", &command])
                .output();
            let said = output.unwrap().stdout;
            assert_eq!(String::from_utf8(said).unwrap(), argument);
        }
    }
}
