//! `demo`: a feed server, a sandbox and the pipeline between them, in one process, over sockets on
//! loopback. Its spool is in a temporary folder.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::time::{Instant, MissedTickBehavior};

use crate::amplitude::time;
use crate::cli::Demo;
use crate::config::{self, Loaded, Settings};
use crate::customerio::sandbox::{self, AppFaults, Faults, Sandbox};
use crate::feed::replay::{self, ReplayFailed, ReplayOptions, ReplayReport};
use crate::feed::scenario::{Outage, Scenario};
use crate::feed::server::{Options, Server};
use crate::feed::traffic::{OLD_COUPON, Traffic};
use crate::filter::{Filters, Mode, Rule, RuleEffect};
use crate::network::ProxySetting;
use crate::pipeline::{Handle, Pipeline};
use crate::text::grouped;
use crate::tui::input::keymap::Keymap;
use crate::tui::{self, Labels, Opening};

use super::forwarder::start;
use super::headless::{self, EndConditions};
use super::player::Player;
use super::watch;
use super::working_folder::working_folder;

/// Latency of the sandbox, in milliseconds: about that of Customer.io.
const LATENCY_MS: u64 = 60;
/// Time until the sandbox shows an activity, in milliseconds.
const ACTIVITY_DELAY_MS: u64 = 2_000;
/// Interval at which made-up events are published.
const TICK: Duration = Duration::from_millis(20);
/// The file in the working folder that `s` saves filters and presets to.
const SAVED_FILTERS: &str = "sluicegate-demo.toml";
/// Frequent event types of the made-up traffic, which are off at the start.
const NOISY_TYPES: [&str; 4] = [
    "session_start",
    "session_end",
    "Song Played",
    "[Amplitude] Element Clicked",
];

pub(super) async fn run(args: Demo) -> Result<ExitCode> {
    for path in &args.from {
        // Checked before the screen opens, as it would hide the message.
        std::fs::File::open(path).wrap_err_with(|| format!("cannot open {}", path.display()))?;
    }
    let faults = Faults {
        latency_ms: LATENCY_MS,
        hang_up_share: 0.002,
        refuse: Some(format!("\"code\":\"{OLD_COUPON}\"")),
        app: AppFaults {
            delay_ms: ACTIVITY_DELAY_MS,
            fail_event_share: 0.002,
            mail_on: Some("Purchase Completed".to_owned()),
            ..AppFaults::default()
        },
        ..Faults::default()
    };
    let (server, sandbox) = start_servers(&faults).await?;
    let mut settings = settings(&server, &sandbox, args.from.is_empty());
    if args.scenario == Scenario::Incident {
        settings.rules.push(small_change());
    }
    args.screen.apply(&mut settings.screen);
    let loaded = Loaded::from(settings);
    let folder = tempfile::Builder::new()
        .prefix("sluicegate-demo-")
        .tempdir()
        .wrap_err("cannot create a temporary folder for the spool")?;
    let pipeline = start(&loaded, folder.path())?;
    let stage = Stage {
        server: server.clone(),
        sandbox: sandbox.clone(),
        faults,
        scenario: args.scenario,
    };
    let player = player(&args, stage, pipeline.handle().clone());
    let on_terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    let code = if on_terminal && !args.headless {
        show(pipeline, &loaded.settings, &server, &sandbox).await?
    } else {
        let until = EndConditions {
            time: Some(args.duration),
            broke_off: Some(player.broke_off()),
            ..EndConditions::default()
        };
        let drain = loaded.settings.delivery.drain;
        run_headless(pipeline, until, drain, &sandbox).await
    };
    player.end().await?;
    Ok(code)
}

/// Starts the server of the feed, and the sandbox.
async fn start_servers(faults: &Faults) -> Result<(Server, Sandbox)> {
    let loopback = || TcpListener::bind(("127.0.0.1", 0));
    let sandbox = Sandbox::start(
        loopback().await?,
        sandbox::Options {
            faults: faults.clone(),
            keep_events: 5_000,
            ..sandbox::Options::default()
        },
    )?;
    let server = Server::start(
        loopback().await?,
        Options {
            ring_bytes: 16 << 20,
            ..Options::default()
        },
    )?;
    Ok((server, sandbox))
}

/// Shows the pipeline until the operator leaves.
async fn show(
    pipeline: Pipeline,
    settings: &Settings,
    server: &Server,
    sandbox: &Sandbox,
) -> Result<ExitCode> {
    let folder = working_folder();
    let labels = Labels {
        workspace: settings.workspace(),
        destination: format!("sandbox {}", sandbox.url().trim_start_matches("http://")),
        feed: server.url(),
        save_to: Some(folder.join(SAVED_FILTERS)),
        folder,
        tour: unseen_tour(),
        server: sandbox.url(),
    };
    let opening = Opening {
        labels,
        look: settings.screen.clone(),
        keymap: Keymap::default(),
        presets: settings.presets.clone(),
        drain: settings.delivery.drain,
        reload: None,
        memory: None,
    };
    let started = Instant::now();
    if let Some(ended) = tui::run(pipeline, opening).await? {
        watch::say_summary(&settings.workspace(), &ended, started.elapsed());
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the file that records that the tour was seen, unless it exists.
fn unseen_tour() -> Option<PathBuf> {
    let file = config::state_folder()?.join("tour-seen");
    (!config::exists(&file)).then_some(file)
}

/// Prints a line per second until an end condition, then the summary and the sandbox's counts.
async fn run_headless(
    pipeline: Pipeline,
    until: EndConditions,
    drain: Duration,
    sandbox: &Sandbox,
) -> ExitCode {
    let summary = headless::run(pipeline, until, drain, None, |snapshot| {
        say!("{}", headless::status_line(snapshot));
    })
    .await;
    let counts = sandbox.counts();
    say!("\n{}", summary.text());
    say!(
        "the sandbox received {} events of {} people and ignored {} duplicates",
        grouped(counts.events),
        grouped(counts.people),
        grouped(counts.duplicates)
    );
    summary.exit_code()
}

fn settings(server: &Server, sandbox: &Sandbox, made_up: bool) -> Settings {
    let mut settings = Settings {
        gate: Mode::Open,
        feed: config::Feed::of_this_process(&server.url()),
        ..Settings::default()
    };
    settings.customerio.workspace = "shop-demo".to_owned();
    settings.customerio.site_id = "demo-site".to_owned();
    settings.customerio.api_key = SecretString::from("demo-key");
    settings.customerio.base_url = sandbox.url().into();
    settings.customerio.proxy = ProxySetting::Direct;
    settings.verify.app_api_key = SecretString::from("demo-app-key");
    if made_up {
        settings.types = NOISY_TYPES
            .into_iter()
            .map(|name| (name.to_owned(), false.into()))
            .collect();
        let internal = r#"user_properties.email.endsWith("@sluice.shop")"#;
        let eu = r#"country in ["Germany", "France", "Poland"]"#;
        settings.rules = vec![
            Rule {
                note: "our own people".to_owned(),
                ..Rule::new("internal", RuleEffect::Exclude, internal)
            },
            Rule {
                on: false,
                ..Rule::new("eu only", RuleEffect::Include, eu)
            },
        ];
        settings.presets = presets(&settings.filters());
    }
    settings
}

/// Returns presets for a launch day, on which much is sent, and for an incident, on which little is.
fn presets(usual: &Filters) -> BTreeMap<String, Filters> {
    let only = |names: &[&str]| {
        let on = names.iter().map(|name| ((*name).to_owned(), true.into()));
        Filters {
            unseen_types: false.into(),
            types: on.collect(),
            rules: usual.rules.clone(),
        }
    };
    let launch = Filters {
        unseen_types: true.into(),
        types: BTreeMap::new(),
        rules: usual.rules.clone(),
    };
    let incident = only(&["Purchase Completed", "Password Reset"]);
    [
        ("launch day".to_owned(), launch),
        ("incident".to_owned(), incident),
    ]
    .into()
}

/// Returns a rule that fails when the type of a property changes.
fn small_change() -> Rule {
    let when = "event_properties.total < 5.0";
    Rule::new("small change", RuleEffect::Exclude, when)
}

/// The servers that play the scenario.
struct Stage {
    server: Server,
    sandbox: Sandbox,
    /// The faults of the sandbox without trouble.
    faults: Faults,
    scenario: Scenario,
}

impl Stage {
    fn faults(&self, outage: Outage) -> Faults {
        let usual = self.faults.clone();
        match outage {
            Outage::None => usual,
            Outage::Throttled => Faults {
                throttle_share: 0.1,
                retry_after: Some("1".to_owned()),
                ..usual
            },
            Outage::Down => Faults {
                fail_share: 1.0,
                ..usual
            },
        }
    }
}

/// Starts the player of the archives, or of made-up events without any.
fn player(args: &Demo, stage: Stage, pipeline: Handle) -> Player {
    let tell = move |why| pipeline.notify(why);
    if args.from.is_empty() {
        return Player::start(made_up(stage, args.rate), tell);
    }
    let playing = ReplayOptions {
        speed: args.speed,
        repeat: false,
        max_event_bytes: args.archives.max_event_bytes,
    };
    let paths = args.from.clone();
    let play = async move { replay::play(&stage.server, &paths, playing, |_| {}).await };
    Player::start(play, tell)
}

/// Publishes made-up events forever: on average `rate` per second, in waves, as the scenario says.
async fn made_up(stage: Stage, rate: f64) -> Result<ReplayReport, ReplayFailed> {
    let mut traffic = Traffic::new(rand::random());
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (started, mut owed, mut before) = (Instant::now(), 0.0, Instant::now());
    let mut outage = Outage::None;
    loop {
        tick.tick().await;
        let now = Instant::now();
        let second = started.elapsed().as_secs_f64();
        let moment = stage.scenario.at(second);
        traffic.set_anomalies(moment.anomalies);
        if moment.outage != outage {
            outage = moment.outage;
            stage.sandbox.set_faults(stage.faults(outage));
        }
        let current = Traffic::rate_at(rate, second) * moment.rate_factor;
        owed += current * now.duration_since(before).as_secs_f64().min(1.0);
        before = now;
        while owed >= 1.0 {
            owed -= 1.0;
            stage.server.publish(&traffic.next(time::now())).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_that_are_off_are_in_the_traffic() {
        let mut traffic = Traffic::new(1);
        let events: Vec<String> = (0..500).map(|n| traffic.next(n)).collect();
        for noisy in NOISY_TYPES {
            let field = format!(r#""event_type":"{noisy}""#);
            let count = events.iter().filter(|event| event.contains(&field)).count();
            assert!(count > 10, "{noisy}: {count}");
        }
    }
}
