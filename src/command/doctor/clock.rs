//! The clock of this machine against that of Customer.io's server.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::DATE;

use super::proxy;
use super::report::{Check, Report};
use crate::config::Settings;
use crate::network::Proxies;
use crate::text::duration;

const NAME: &str = "clock";
/// Difference from which a clock is wrong: a header has whole seconds, and an answer takes some.
const MAX_DIFFERENCE: Duration = Duration::from_secs(30);

pub(super) async fn check(settings: Option<&Settings>, limit: Duration, report: &mut Report) {
    report.add(match settings {
        None => Check::not_checked(NAME, "the configuration has problems"),
        Some(settings) => match server_time(settings, limit).await {
            Ok(theirs) => compare(SystemTime::now(), theirs),
            Err(why) => Check::not_checked(NAME, why),
        },
    });
}

/// Asks the server of the destination for its time.
async fn server_time(settings: &Settings, limit: Duration) -> Result<SystemTime, String> {
    let own = &settings.customerio;
    let proxies = Proxies::new(&own.proxy, "customerio.proxy").map_err(|e| e.to_string())?;
    let proxies = Arc::new(proxies);
    let client = crate::http::client(&proxies).timeout(limit).build();
    let client = client.map_err(|error| error.to_string())?;
    let url = proxy::destination(settings).ok_or("the server's address can't be used")?;
    let answer = client.get(url).send().await;
    let answer = answer.map_err(|error| crate::http::no_answer(&error, &proxies))?;
    let date = answer
        .headers()
        .get(DATE)
        .and_then(|date| date.to_str().ok());
    date.and_then(|date| httpdate::parse_http_date(date).ok())
        .ok_or_else(|| "the server's answer has no readable Date header".to_owned())
}

fn compare(ours: SystemTime, theirs: SystemTime) -> Check {
    let (difference, word) = match ours.duration_since(theirs) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    let length = duration(difference.as_millis() as i64);
    if difference > MAX_DIFFERENCE {
        return Check::failed(
            NAME,
            format!("{length} {word} the server's Date"),
            "set the clock of this machine, as with timedatectl set-ntp true: times of events depend on it",
        );
    }
    Check::ok(NAME, "within 30 s of the server's Date")
}
