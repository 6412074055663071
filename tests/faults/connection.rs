//! Servers that can't be reached, hang, or break the connection off.

use std::sync::Arc;
use std::time::Duration;

use sluicegate::customerio::sandbox::{Fault, Faults, Options, Sandbox};

use crate::bench::{self, Bench, all_delivered, some, with};
use crate::common::{event, nowhere, numbers_of, sandbox, settings, until};
use crate::proxy::{Mode, Proxy};
use crate::{impatient, is_outlived, told_of};

#[tokio::test]
async fn a_refused_connection() {
    let url = format!("http://{}", nowhere());
    is_outlived(&url, &["no connection", "refused"]).await;
}

#[tokio::test]
async fn a_name_that_can_not_be_looked_up() {
    is_outlived("http://nowhere.invalid", &["no connection"]).await;
}

#[tokio::test]
async fn a_certificate_that_nobody_trusts() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key =
        rustls::pki_types::PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let tls = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let url = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // The handshake fails: that is what this is for.
            let _ = acceptor.accept(stream).await;
        }
    });
    is_outlived(&url, &["certificate", "UnknownIssuer"]).await;
}

#[tokio::test]
async fn a_connection_that_is_reset_in_the_middle_of_a_request() {
    let sandbox = sandbox(Faults::default()).await;
    let proxy = Proxy::start(&sandbox.url(), Mode::ResetInRequest).await;
    is_outlived(&proxy.url, &["broke", "no connection"]).await;
}

#[tokio::test]
async fn a_connection_that_is_reset_in_the_middle_of_an_answer_doubles_nothing() {
    let sandbox = sandbox(Faults::default()).await;
    let proxy = Proxy::start(&sandbox.url(), Mode::ResetInAnswer).await;
    let bench = Bench::new(&impatient(&proxy.url));
    bench.send(some(100));
    let why = told_of(&bench).await;
    assert!(why.contains("broke"), "{why}");
    assert_eq!(sandbox.counts().events, 100, "the server had taken them");
    proxy.set(Mode::Pass);
    let (told, left) = bench.finish().await;
    assert!(all_delivered(&told, 100) && left == 0);
    let counts = sandbox.counts();
    assert_eq!(counts.events, 100);
    assert!(
        counts.duplicates >= 300,
        "their ids made the retries harmless"
    );
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_on_in_time() {
    let sandbox = sandbox(with([Fault::Hang; 8])).await;
    let bench = Bench::new(&impatient(&sandbox.url()));
    bench.send(some(3));
    assert_eq!(told_of(&bench).await, "no answer in time");
    let (told, _) = bench.finish().await;
    assert!(all_delivered(&told, 3));
    assert_eq!(told[0].attempt.message, "no answer in time");
}

#[tokio::test]
async fn a_hanging_request_holds_up_its_own_people_only() {
    let sandbox = sandbox(with([Fault::Hang])).await;
    let mut settings = settings("ws://unused", &sandbox.url());
    settings.customerio.timeout = Duration::from_secs(3);
    let bench = Bench::new(&settings);
    bench.send(vec![bench::accepted(0, &event("held", 0))]);
    until("it is out", || bench.status.borrow().in_flight == 1).await;
    let mut others = some(50);
    others.push(bench::accepted(99, &event("held", 1)));
    bench.send(others);
    until("the others have arrived", || sandbox.counts().events == 50).await;
    assert!(sandbox.events_of("held").is_empty());
    let (told, _) = bench.finish().await;
    assert!(all_delivered(&told, 52));
    assert_eq!(numbers_of(&sandbox, "held"), [0, 1]);
}

#[tokio::test]
async fn an_answer_that_drips_is_given_up_on_in_time() {
    let sandbox = sandbox(Faults::default()).await;
    let proxy = Proxy::start(&sandbox.url(), Mode::Drip).await;
    is_outlived(&proxy.url, &["no answer in time"]).await;
    assert!(sandbox.counts().duplicates > 0, "it was handled each time");
}

#[tokio::test]
async fn another_server_on_the_same_address_is_found_again() {
    let place = nowhere();
    let bench = Bench::new(&impatient(&format!("http://{place}")));
    bench.send(some(20));
    told_of(&bench).await;
    let listener = tokio::net::TcpListener::bind(place).await.unwrap();
    let sandbox = Sandbox::start(listener, Options::default()).unwrap();
    let (told, _) = bench.finish().await;
    assert!(all_delivered(&told, 20));
    assert_eq!(sandbox.counts().events, 20);
}
