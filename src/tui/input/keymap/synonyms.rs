//! Other words for commands, by which the palette and the help find them too.

use crate::tui::input::keymap::command::{Command, JumpTarget};

/// Other words for a command, separated by spaces.
#[expect(clippy::too_many_lines, reason = "a table: an arm for each command")]
pub fn synonyms(command: Command) -> &'static str {
    match command {
        Command::Find => "search grep query where",
        Command::Why => "missing lost explain question investigate arrive",
        Command::AskCustomerIo => "verify prove mail email sent profile applied activities",
        Command::Audit => "export ledger missing reconcile compare prove arrived heat map hours",
        Command::StopAudit => "cancel abort",
        Command::Range => "zoom span period interval timeline between",
        Command::CopySummary => "incident report postmortem markdown export",
        Command::ZoomRange => "enlarge magnify detail span timeline chart",
        Command::CompareEvents => "diff compare difference between two versus",
        Command::CompareRanges => "diff compare before after deploy difference versus",
        Command::Select => "mark multi choose several",
        Command::Stages => "stages flow funnel overview way status group members partitions nats",
        Command::NextList => "problems sent filtered failed quick view",
        Command::OnlyMatches => "context around highlight narrow",
        Command::Searches => "bookmark favourites favorites saved queries",
        Command::Freeze => "pause hold stop still",
        Command::Follow => "tail live latest resume",
        Command::Gate => "open shut close stop start production send on off halt",
        Command::DryRun => "simulate test rehearse nothing",
        Command::Quit => "exit leave stop end close bye drain",
        Command::Colours => "theme colors dark light contrast palette",
        Command::Save => "write store keep persist",
        Command::Reload => "reread refresh configuration settings hup",
        Command::TryNow => "resume retry reconnect probe",
        Command::DeadLetters => "failed undelivered errors dlq refused expired",
        Command::Undo => "revert back",
        Command::Redo => "again repeat",
        Command::History => "log audit changes",
        Command::NewRule => "rule add create filter",
        Command::EditRule => "rule change modify",
        Command::DeleteRule => "rule remove",
        Command::ExcludeThis => "block drop ignore",
        Command::OnlyThis => "include keep",
        Command::Presets => "profiles sets saved filters",
        Command::Watches => "alerts alarms monitor notify count threshold",
        Command::Window => "time range zoom span chart",
        Command::Zoom => "maximize fullscreen enlarge",
        Command::Hide => "collapse remove close pane",
        Command::ResetLayout => "layout default restore reset panes",
        Command::Properties => "schema fields attributes",
        Command::Private => "privacy mask anonymize pii hide personal gdpr",
        Command::Mouse => "select text copy",
        Command::Person => "user customer profile who id",
        Command::Copy => "yank clipboard curl",
        Command::ExportEvents | Command::Export => "download dump write file ndjson json",
        Command::OpenExport => "file path folder last",
        Command::Bookmark => "mark pin star",
        Command::NextBookmark => "marks pins stars",
        Command::GoTo => "jump time date when",
        Command::Older(JumpTarget::Violation) | Command::Newer(JumpTarget::Violation) => {
            "limit rejected problem"
        }
        Command::Older(JumpTarget::Failure) | Command::Newer(JumpTarget::Failure) => {
            "error undelivered problem"
        }
        Command::Suspend => "background shell job",
        Command::Help => "keys shortcuts bindings manual",
        Command::Tour => "intro tutorial welcome start guide",
        Command::Sort => "order",
        Command::Unseen => "unknown default types",
        Command::None => "clear off nothing",
        Command::Retry | Command::RetryReason | Command::RetryEvent => "resend again replay",
        Command::Discard => "delete remove drop",
        Command::Top => "first newest start",
        Command::Bottom => "last oldest end",
        _ => "",
    }
}
