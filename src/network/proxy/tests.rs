use super::*;

fn environment(variables: &[(&str, &str)]) -> Result<Proxies, ProxyError> {
    Proxies::from_variables(|name| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

fn way(proxies: &Proxies, url: &str) -> Option<String> {
    proxies
        .through(&Url::parse(url).unwrap())
        .map(ToString::to_string)
}

#[test]
fn each_scheme_has_its_variable_in_either_case_and_exceptions_hold_for_all() {
    let all = environment(&[
        ("HTTPS_PROXY", "http://secure:1"),
        ("http_proxy", "plain:2"),
        ("NO_PROXY", "10.0.0.0/8, .corp.example *.lan,exact.example"),
    ])
    .unwrap();
    for (url, through) in [
        ("https://a.example", Some("secure:1")),
        ("wss://a.example", Some("secure:1")),
        ("http://a.example", Some("plain:2")),
        ("ws://a.example:9", Some("plain:2")),
        ("ws://10.1.2.3", None),
        ("wss://x.corp.example", None),
        ("wss://box.lan", None),
        ("wss://exact.example.", None),
        ("wss://inexact.example", Some("secure:1")),
    ] {
        assert_eq!(way(&all, url).as_deref(), through, "{url}");
    }
    let rest = environment(&[("all_proxy", "socks5://s"), ("HTTPS_PROXY", "")]).unwrap();
    assert_eq!(way(&rest, "wss://a.example").unwrap(), "s:1080");
    assert_eq!(way(&rest, "http://a.example").unwrap(), "s:1080");
    let none = environment(&[("HTTP_PROXY", "p"), ("NO_PROXY", "*")]).unwrap();
    assert_eq!(way(&none, "http://a.example"), None);
    // Set by a request's header Proxy.
    let forged = [("HTTP_PROXY", "http://evil"), ("REQUEST_METHOD", "GET")];
    assert_eq!(way(&environment(&forged).unwrap(), "ws://a.example"), None);
}

#[test]
fn this_machine_is_never_reached_through_a_proxy() {
    let named = ProxySetting::from("http://p:1".to_owned());
    let named = Proxies::new(&named, "feed.proxy").unwrap();
    let all = environment(&[("ALL_PROXY", "http://p:1")]).unwrap();
    for proxies in [named, all] {
        for url in [
            "ws://127.0.0.1:9",
            "http://127.8.8.8",
            "wss://[::1]:9/feed",
            "http://[::ffff:127.0.0.1]/",
            "http://0.0.0.0:9",
            "ws://localhost:9",
            "https://LOCALHOST.",
            "https://api.localhost",
        ] {
            assert_eq!(way(&proxies, url), None, "{url}");
        }
        for url in ["ws://localhost.example", "http://128.0.0.1", "ws://[::2]"] {
            assert_eq!(way(&proxies, url).as_deref(), Some("p:1"), "{url}");
        }
    }
}

#[test]
fn credentials_are_decoded_and_never_shown() {
    let all = environment(&[("ALL_PROXY", "http://bob:s3c%40ret@p:1")]).unwrap();
    let url = Url::parse("wss://a.example").unwrap();
    let proxy = all.through(&url).unwrap();
    let pair = ("bob".to_owned(), "s3c@ret".to_owned());
    assert_eq!(proxy.credentials(), Some(pair));
    assert_eq!(proxy.basic().unwrap(), "Basic Ym9iOnMzY0ByZXQ=");
    assert_eq!(
        format!("{proxy} {proxy:?} {all:?}").matches("s3c").count(),
        0
    );
}

#[test]
fn an_unusable_proxy_is_reported_with_the_setting_that_names_it() {
    for (value, says) in [
        (
            "socks4://bob:s3cret@p",
            "ALL_PROXY: \"socks4://…@p\" is not a usable proxy: socks4 is not supported; use http://…",
        ),
        ("\"http://p:1\"", "has quotes around it"),
        ("http://p:1\n", "ends with a space or a line break"),
        ("http://p:1/path", "has a path or a query"),
        ("http://p:x", "invalid port number"),
    ] {
        let error = environment(&[("ALL_PROXY", value)])
            .unwrap_err()
            .to_string();
        assert!(error.contains(says) && !error.contains("s3cret"), "{error}");
    }
    let setting = ProxySetting::from("ftp://p".to_owned());
    let error = Proxies::new(&setting, "feed.proxy")
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("feed.proxy: \"ftp://p\" is not a usable proxy"),
        "{error}"
    );
}

#[test]
fn a_setting_is_read_and_shown() {
    for (text, shown) in [
        ("environment", "environment"),
        ("", "none"),
        ("none", "none"),
        ("http://bob:pw@p:1", "http://…@p:1"),
    ] {
        let setting = ProxySetting::from(text.to_owned());
        assert_eq!(serde_json::to_value(&setting).unwrap(), shown);
    }
}
