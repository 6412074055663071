//! Asking Customer.io by one key, in the demo with its sandbox.

use std::time::{Duration, Instant};

use crate::pty::demo_in;

#[test]
fn one_key_answers_whether_the_event_is_there_and_the_mail_went_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = demo_in(folder.path());
    terminal.shows("✓ ");
    terminal.press("/Purchase Completed\r");
    terminal.shows("match Purchase Completed");
    terminal.press("L");
    terminal.shows("✓ Purchase Completed");
    terminal.press("j\r");
    terminal.shows("Decision");
    // The sandbox shows activities after 2 s, and mail in steps up to 9 s after the event.
    let started = Instant::now();
    loop {
        terminal.press("c");
        terminal.waits_for("an answer", |text| text.contains("asked "));
        std::thread::sleep(Duration::from_millis(1_500));
        let text = terminal.text();
        if text.contains("is there: Customer.io applied it.") && text.contains("◉ email opened") {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(40), "{text}");
    }
    terminal.escape();
    terminal.shows("Decision");
    // The person, and its mail.
    terminal.press("p");
    terminal.shows("Person ─ ");
    terminal.press("c");
    terminal.shows("has a profile at Customer.io");
    terminal.shows("email opened");
    terminal.escape();
    terminal.shows("Person ─ ");
}
