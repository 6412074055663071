//! Running a command for each message.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::mpsc;

use super::message::Message;

/// Maximum time of a command: it is killed then.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Runs the command for each message, one after the other. What it prints goes where the log goes.
pub(super) async fn run(name: String, command: Vec<String>, mut messages: mpsc::Receiver<Message>) {
    let Some((program, arguments)) = command.split_first() else {
        return;
    };
    while let Some(message) = messages.recv().await {
        let mut process = Command::new(program);
        process
            .args(arguments)
            .envs(message.variables())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true);
        let failed = match tokio::time::timeout(TIMEOUT, process.status()).await {
            Ok(Ok(status)) if status.success() => continue,
            Ok(Ok(status)) => format!("it ended with {status}"),
            Ok(Err(error)) => format!("it can't be started: {error}"),
            Err(_) => format!("it was killed after {} s", TIMEOUT.as_secs()),
        };
        tracing::error!("the command {program} of the alert {name:?} failed: {failed}");
    }
}
