use super::super::report::{Counts, Gap, GapKind, Percentiles, Report};
use crate::ledger::{Outage, OutageKind};

/// Names as an attacker would send them.
const HOSTILE: [&str; 4] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'; DROP TABLE & \u{1b}[2J\u{202e}",
    "</style></svg></title><b>",
];

/// A report in which each text from outside is hostile.
fn hostile() -> Report {
    let counts = Counts {
        in_export: 1_000,
        missing: 5,
        received: 995,
        accepted: 995,
        delivered: 995,
        ..Counts::default()
    };
    let reasons = || HOSTILE.iter().map(|name| ((*name).to_owned(), 3)).collect();
    let gap = |text: &&str| Gap {
        kind: GapKind::Missing,
        events: 5,
        from: "2026-11-25T09".to_owned(),
        to: "2026-11-25T10".to_owned(),
        cause: (*text).to_owned(),
        examples: vec![(*text).to_owned()],
    };
    let outage = |text: &&str| Outage {
        kind: OutageKind::FeedDown,
        from_ms: 0,
        to_ms: Some(1_000),
        why: (*text).to_owned(),
    };
    Report {
        from: "2026-11-25T09".to_owned(),
        to: "2026-11-25T10".to_owned(),
        total: counts,
        hours: [("2026-11-25T09".to_owned(), counts)].into(),
        types: HOSTILE
            .iter()
            .map(|it| ((*it).to_owned(), counts))
            .collect(),
        filtered_by: reasons(),
        rejected_by: reasons(),
        dead_letters_by: reasons(),
        decided_differently_today: reasons(),
        event_to_received_ms: Percentiles {
            p50: 900,
            p95: 2_000,
            p99: 60_000,
            max: 7_200_000,
        },
        gaps: HOSTILE.iter().map(gap).collect(),
        outages: HOSTILE.iter().map(outage).collect(),
        ..Report::default()
    }
}

/// The names of the tags of a page, and all between `<` and `>`.
fn tags(page: &str) -> Vec<(&str, &str)> {
    let pieces = page.split('<').skip(1);
    let tags = pieces.filter_map(|piece| {
        let (whole, _) = piece.split_once('>')?;
        let name = whole.split([' ', '/']).find(|it| !it.is_empty())?;
        Some((name, whole))
    });
    tags.collect()
}

#[test]
fn names_from_outside_are_text_on_the_page_and_nothing_else() {
    let page = hostile().page();
    let allowed = [
        "!doctype", "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "div", "b",
        "table", "tr", "th", "td", "br", "code", "ul", "li", "svg", "g", "rect", "text", "tspan",
        "line",
    ];
    for (name, whole) in tags(&page) {
        assert!(allowed.contains(&name), "<{whole}>");
        assert!(
            !whole.contains(" on") && !whole.contains("src="),
            "<{whole}>"
        );
    }
    for hidden in ['\u{1b}', '\u{202e}'] {
        assert!(!page.contains(hidden));
    }
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(page.contains("&quot;&gt;&lt;img src=x onerror=alert(1)&gt;"));
}

#[test]
fn a_page_needs_nothing_from_elsewhere_and_says_the_counts() {
    let page = hostile().page();
    for word in ["http://", "https://", "url(", "@import", "<script", "<link"] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.contains("prefers-color-scheme: dark"));
    assert!(page.contains("5 events never received, 0 accepted and undelivered."));
    assert!(page.contains("09:00: 1,000 in export, 5 missing"));
    assert!(
        page.contains("p50 900 ms, p95 2.0 s, p99 1 min, max 2.0 h"),
        "{page}"
    );
    let clean = Report::default().page();
    assert!(clean.contains("Nothing is missing or undelivered."));
}
