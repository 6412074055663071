//! Kinds and summaries of replies.

use super::tests_support::reply;
use super::*;

#[test]
fn kinds_of_bodies_are_recognized() {
    let kind = |body: &str| match reply(200, &[], body).content() {
        Content::Empty => "empty",
        Content::Object(_) => "object",
        Content::Other => "other",
    };
    for body in ["", " \r\n", "\u{feff}"] {
        assert_eq!(kind(body), "empty", "{body:?}");
    }
    for body in ["{}", " {\"a\":1}\n", "\u{feff}{}"] {
        assert_eq!(kind(body), "object", "{body:?}");
    }
    for body in [
        "[]", "null", "\"{}\"", "{", "{}{}", "{} x", "<html>", "OK", "1",
    ] {
        assert_eq!(kind(body), "other", "{body:?}");
    }
}

#[test]
fn a_cut_body_is_not_an_object_even_if_it_looks_like_one() {
    let mut cut = reply(200, &[], r#"{"code":200}      "#);
    cut.is_cut = true;
    assert_eq!(cut.content(), Content::Other);
}

#[test]
fn a_summary_is_one_harmless_line_with_the_title_and_without_secrets() {
    let of = |status, headers: &[_], body: &str| reply(status, headers, body).summary();
    assert_eq!(of(204, &[], ""), "an empty body (204)");
    assert_eq!(of(200, &[], "\n\n OK \nmore"), "OK (200)");
    assert_eq!(
        of(
            200,
            &[],
            "<!DOCTYPE html>\n<TITLE lang=en>\nSign in\n to İt </title>"
        ),
        "<!DOCTYPE html> “Sign in to İt” (200)"
    );
    assert_eq!(
        of(200, &[], "<html><title>Sign in</title>"),
        "<html><title>Sign in</title> (200)"
    );
    let hostile = of(200, &[], "a\u{1b}[31m\u{202e}b\u{9b}\0");
    assert!(!hostile.contains(char::is_control), "{hostile}");
    let long = of(200, &[], &"é".repeat(100_000));
    assert!(long.chars().count() < 200, "{long}");
    let to = [("location", "https://u:p@portal.example/login?token=1#x")];
    assert_eq!(
        of(302, &to, "<html>"),
        "a redirect to https://portal.example/login (302)"
    );
    let to = [("location", "/login?token=1")];
    assert_eq!(of(302, &to, ""), "a redirect to /login (302)");
}

proptest::proptest! {
    #[test]
    fn any_bytes_have_a_short_harmless_summary(
        body in proptest::collection::vec(proptest::num::u8::ANY, 0..2_000),
        page in ".{0,40}",
        status in 100_u16..600,
    ) {
        for body in [body, format!("<html><title{page}>{page}</title>").into_bytes()] {
            let reply = Reply { status, body, ..Reply::default() };
            let _ = reply.content();
            let shown = reply.summary();
            proptest::prop_assert!(shown.chars().count() < 400);
            proptest::prop_assert!(shown.chars().all(|c| crate::text::visible(c) == c));
        }
    }
}
