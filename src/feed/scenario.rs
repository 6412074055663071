//! What happens in the demonstration, and when.

use clap::ValueEnum;

/// A course of events for the demonstration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Scenario {
    /// Waves, and now and then an event that breaks a limit.
    #[default]
    Calm,
    /// A new type of event, six times the traffic, and a Customer.io that asks for quiet.
    Launch,
    /// A property changes its type, IDs grow too long, Customer.io goes down and comes back: in
    /// five minutes, over and over.
    Incident,
}

/// What goes on at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// How much more traffic there is than usual: 1 is as usual.
    pub wave: f64,
    /// What is different about the events.
    pub twists: Twists,
    /// What is the matter with Customer.io.
    pub trouble: Trouble,
}

/// What is different about made-up events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Twists {
    /// An app's new version writes totals as texts, with their currency.
    pub totals_as_text: bool,
    /// A part of the sign-in gives users a token as their ID, which is too long for one.
    pub long_ids: bool,
    /// A page that was not there before is viewed by many.
    pub launch: bool,
}

/// What is the matter with Customer.io.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trouble {
    /// Nothing.
    #[default]
    None,
    /// It asks for quiet now and then: 429.
    Busy,
    /// It answers 500, to everything.
    Down,
}

/// The incident begins again after so many seconds.
const INCIDENT_S: f64 = 300.0;

impl Scenario {
    /// What goes on, so many seconds after the start.
    pub fn at(self, second: f64) -> Moment {
        match self {
            Self::Calm => Moment {
                wave: 1.0,
                twists: Twists::default(),
                trouble: Trouble::None,
            },
            Self::Launch => {
                // It comes up within 20 s, stays for two minutes, and goes slowly.
                let crowd = match second {
                    s if s < 20.0 => 0.0,
                    s if s < 40.0 => (s - 20.0) / 20.0,
                    s if s < 160.0 => 1.0,
                    s => (1.0 - (s - 160.0) / 240.0).max(0.2),
                };
                Moment {
                    wave: 1.0 + 5.0 * crowd,
                    twists: Twists {
                        launch: second >= 20.0,
                        ..Twists::default()
                    },
                    trouble: if (45.0..90.0).contains(&second) {
                        Trouble::Busy
                    } else {
                        Trouble::None
                    },
                }
            }
            Self::Incident => {
                let at = second.rem_euclid(INCIDENT_S);
                Moment {
                    wave: 1.0,
                    twists: Twists {
                        totals_as_text: (20.0..120.0).contains(&at),
                        long_ids: (60.0..120.0).contains(&at),
                        launch: false,
                    },
                    trouble: match at {
                        at if (120.0..180.0).contains(&at) => Trouble::Down,
                        at if (180.0..210.0).contains(&at) => Trouble::Busy,
                        _ => Trouble::None,
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
    fn the_incident_has_its_phases_one_after_the_other_and_begins_again() {
        let phases: Vec<(bool, bool, Trouble)> = [10.0, 30.0, 90.0, 150.0, 190.0, 250.0, 330.0]
            .map(|second| {
                let now = Scenario::Incident.at(second);
                (now.twists.totals_as_text, now.twists.long_ids, now.trouble)
            })
            .into();
        assert_eq!(
            phases,
            [
                (false, false, Trouble::None),
                (true, false, Trouble::None),
                (true, true, Trouble::None),
                (false, false, Trouble::Down),
                (false, false, Trouble::Busy),
                (false, false, Trouble::None),
                (true, false, Trouble::None),
            ]
        );
    }

    #[test]
    fn a_launch_comes_up_stays_and_goes() {
        let wave = |second| Scenario::Launch.at(second).wave;
        assert!((wave(0.0) - 1.0).abs() < 0.01 && (wave(100.0) - 6.0).abs() < 0.01);
        assert!(wave(30.0) > wave(25.0) && wave(300.0) < wave(160.0));
        assert!(
            !Scenario::Launch.at(10.0).twists.launch && Scenario::Launch.at(30.0).twists.launch
        );
    }
}
