//! An export and its ledger for a measurement of `audit`.
//!
//! `cargo bench --bench audit -- FOLDER 10000000` writes them, and prints the command to measure.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use sluicegate::amplitude::time;
use sluicegate::customerio::dedupe;
use sluicegate::filter::Decision;
use sluicegate::ledger::{HashKey, LedgerRun, LedgerSettings, NewRow, Outcome, Recorder};
use zip::write::SimpleFileOptions;

/// The begin of the export: an hour of 2026.
const BEGIN_MS: i64 = 1_795_000_000_000 / 3_600_000 * 3_600_000;
/// Hours of the export.
const HOURS: u64 = 168;
/// Rows that are recorded at once.
const BATCH: usize = 5_000;
/// What writes the ledger.
const RUN: LedgerRun = LedgerRun::Forwarder;
/// One of this many events is missing in the ledger.
const MISSING: u64 = 10_000;

/// An event as the Export API writes it: about 1.5 kB.
fn event(number: u64, ms: i64) -> String {
    let at = time::to_export(ms);
    let (person, kind) = (number % 50_021, number % 31);
    let noise = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!(
        r#"{{"$insert_id":"{noise:016x}-{number:012}","$insert_key":null,"$schema":null,"adid":null,"amplitude_attribution_ids":null,"amplitude_event_type":null,"amplitude_id":{person},"app":100001,"city":"Kuala Lumpur","client_event_time":"{at}","client_upload_time":"{at}","country":"Malaysia","data":{{"path":"/2/httpapi","user_properties_updated":true,"group_first_event":{{}},"group_ids":{{}}}},"data_type":"event","device_brand":null,"device_carrier":"Unknown","device_family":"Apple arm64","device_id":"6401652F-4D55-061A-786C-{person:012}","device_manufacturer":null,"device_model":null,"device_type":null,"dma":null,"event_id":{number},"event_properties":{{"price":{}.5,"currency":"MYR","items":[{{"sku":"A-{kind}","count":2}}],"source":"home"}},"event_time":"{at}","event_type":"Type {kind}","global_user_properties":null,"group_properties":{{}},"groups":{{}},"idfa":null,"ip_address":"203.0.113.7","is_attribution_event":null,"language":"English","library":"amplitude-flutter/4.3.2_amplitude-swift/1.13.6","location_lat":null,"location_lng":null,"os_name":"ios","os_version":"18.5","partner_id":null,"paying":null,"plan":{{}},"platform":"iOS","processed_time":"{at}","region":"Selangor","sample_rate":null,"server_received_time":"{at}","server_upload_time":"{at}","session_id":{ms},"source_id":null,"start_version":"1.0.80","user_creation_time":null,"user_id":"user-{person}","user_properties":{{"plan":"pro","age":{},"email":"user-{person}@example.com"}},"uuid":"{noise:016x}","version_name":"1.0.91"}}"#,
        number % 900,
        number % 80
    )
}

fn main() {
    let mut args = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with("--"));
    let (Some(folder), Some(events)) = (args.next(), args.next()) else {
        println!("write an export and its ledger: cargo bench --bench audit -- FOLDER EVENTS");
        return;
    };
    let folder = Path::new(&folder);
    let per_hour = events.parse::<u64>().expect("a number of events") / HOURS;
    std::fs::create_dir_all(folder.join("export")).expect("a folder that can be written");
    let ledger = folder.join("ledger");
    let settings = LedgerSettings {
        folder: ledger.clone(),
        keep: Duration::from_secs(86_400),
        quota_bytes: 8 << 30,
    };
    let (recorder, thread) =
        sluicegate::ledger::start(settings, RUN, |text| println!("{text}")).expect("a ledger");
    let mut rows = Rows {
        key: recorder.key().clone(),
        recorder,
        batch: Vec::with_capacity(BATCH),
    };
    let begun = Instant::now();
    for hour in 0..HOURS {
        write_hour(&folder.join("export"), hour, per_hour, &mut rows);
    }
    rows.record();
    drop(rows);
    thread.join().expect("the ledger is whole");
    println!(
        "{} events in {:.0} s. Measure:\nSLUICEGATE_LEDGER_FOLDER={} /usr/bin/time -v sluicegate audit --format json --from {}/export/*.zip",
        per_hour * HOURS,
        begun.elapsed().as_secs_f64(),
        ledger.display(),
        folder.display()
    );
}

/// Writes an hour as the Export API does, a zip of gzipped lines, and records its rows.
fn write_hour(folder: &Path, hour: u64, events: u64, rows: &mut Rows) {
    let path = folder.join(format!("amplitude-{hour:04}.zip"));
    let file = BufWriter::new(File::create(path).expect("a folder that can be written"));
    let mut zip = zip::ZipWriter::new(file);
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file(format!("100001/100001_{hour}#0.json.gz"), stored)
        .expect("a member");
    let mut lines = GzEncoder::new(zip, Compression::fast());
    let hour_ms = BEGIN_MS + hour.cast_signed() * 3_600_000;
    for index in 0..events {
        let ms = hour_ms + (index * 3_600_000 / events).cast_signed();
        let text = event(hour * events + index, ms) + "\n";
        lines.write_all(text.as_bytes()).expect("room on the disk");
        rows.add(text, hour * events + index, ms);
    }
    let zip = lines.finish().expect("room on the disk");
    zip.finish().expect("room on the disk");
}

/// The rows of the ledger.
struct Rows {
    key: HashKey,
    recorder: Recorder,
    batch: Vec<NewRow>,
}

impl Rows {
    fn add(&mut self, text: String, number: u64, ms: i64) {
        if number.is_multiple_of(MISSING) {
            return;
        }
        sluicegate::amplitude::decode(&text.into(), 0, "message_id", |event| {
            let event = event.expect("an event");
            let (is_sent, kind) = (number % 10 < 6, number % 31);
            self.batch.push(NewRow {
                key: self.key.event(dedupe::id(&event)),
                person: self.key.person(&format!("user-{}", number % 50_021)),
                event_type: format!("Type {kind}").into(),
                decision: Some(Decision::Accepted),
                outcome: if is_sent {
                    Outcome::Delivered
                } else {
                    Outcome::DryRun
                },
                received_ms: ms + 1_500,
                took_ms: 80 + number % 300,
            });
        });
        if self.batch.len() == BATCH {
            self.record();
        }
    }

    fn record(&mut self) {
        let told = self.recorder.record(std::mem::take(&mut self.batch));
        assert_eq!(told, None, "the ledger took every row");
    }
}
