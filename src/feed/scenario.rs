//! The scenarios of the demonstration.

use clap::ValueEnum;

/// A scenario of the demonstration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Scenario {
    /// Waves of traffic, and occasional events that violate a limit.
    #[default]
    Calm,
    /// A new event type, six times the traffic, and a Customer.io that throttles.
    Launch,
    /// A property changes its type, IDs become too long, Customer.io goes down and recovers: in five
    /// minutes, repeatedly.
    Incident,
}

/// The conditions at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conditions {
    /// Factor of the usual traffic: 1 means usual.
    pub rate_factor: f64,
    /// The anomalies of the events.
    pub anomalies: Anomalies,
    /// The state of Customer.io.
    pub outage: Outage,
}

/// Anomalies of generated events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Anomalies {
    /// A new version of the app writes totals as text with a currency.
    pub totals_as_text: bool,
    /// The sign-in sets a token as user ID, which is too long.
    pub long_ids: bool,
    /// Many users view a new page.
    pub launch: bool,
}

/// The state of Customer.io.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outage {
    /// None.
    #[default]
    None,
    /// It throttles some requests: 429.
    Throttled,
    /// It answers 500 to all requests.
    Down,
}

/// Duration of an incident, in seconds.
const INCIDENT_S: f64 = 300.0;

impl Scenario {
    /// Returns the conditions `second` seconds after the start.
    pub fn at(self, second: f64) -> Conditions {
        match self {
            Self::Calm => Conditions {
                rate_factor: 1.0,
                anomalies: Anomalies::default(),
                outage: Outage::None,
            },
            Self::Launch => {
                // It rises within 20 s, stays for two minutes, and falls slowly.
                let crowd = match second {
                    s if s < 20.0 => 0.0,
                    s if s < 40.0 => (s - 20.0) / 20.0,
                    s if s < 160.0 => 1.0,
                    s => (1.0 - (s - 160.0) / 240.0).max(0.2),
                };
                Conditions {
                    rate_factor: 1.0 + 5.0 * crowd,
                    anomalies: Anomalies {
                        launch: second >= 20.0,
                        ..Anomalies::default()
                    },
                    outage: if (45.0..90.0).contains(&second) {
                        Outage::Throttled
                    } else {
                        Outage::None
                    },
                }
            }
            Self::Incident => {
                let at = second.rem_euclid(INCIDENT_S);
                Conditions {
                    rate_factor: 1.0,
                    anomalies: Anomalies {
                        totals_as_text: (20.0..120.0).contains(&at),
                        long_ids: (60.0..120.0).contains(&at),
                        launch: false,
                    },
                    outage: match at {
                        at if (120.0..180.0).contains(&at) => Outage::Down,
                        at if (180.0..210.0).contains(&at) => Outage::Throttled,
                        _ => Outage::None,
                    },
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incident_has_its_phases_in_order_and_repeats() {
        let phases: Vec<(bool, bool, Outage)> = [10.0, 30.0, 90.0, 150.0, 190.0, 250.0, 330.0]
            .map(|second| {
                let now = Scenario::Incident.at(second);
                (
                    now.anomalies.totals_as_text,
                    now.anomalies.long_ids,
                    now.outage,
                )
            })
            .into();
        assert_eq!(
            phases,
            [
                (false, false, Outage::None),
                (true, false, Outage::None),
                (true, true, Outage::None),
                (false, false, Outage::Down),
                (false, false, Outage::Throttled),
                (false, false, Outage::None),
                (true, false, Outage::None),
            ]
        );
    }

    #[test]
    fn a_launch_rises_stays_and_falls() {
        let rate = |second| Scenario::Launch.at(second).rate_factor;
        assert!((rate(0.0) - 1.0).abs() < 0.01 && (rate(100.0) - 6.0).abs() < 0.01);
        assert!(rate(30.0) > rate(25.0) && rate(300.0) < rate(160.0));
        assert!(
            !Scenario::Launch.at(10.0).anomalies.launch
                && Scenario::Launch.at(30.0).anomalies.launch
        );
    }
}
