use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;
use uuid::Uuid;

use super::log_thread::LogThread;
use super::ring::Ring;
use super::{Options, Server, Subscription};
use crate::feed::log::{Log, Retention};

#[tokio::test]
async fn a_client_that_asks_for_removed_messages_gets_new_ones() {
    let folder = tempfile::tempdir().unwrap();
    let retention = Retention {
        age: Duration::from_secs(60),
        bytes: 1_000,
    };
    let options = Options {
        wait_for_client: false,
        wait_for_slow: false,
        ..Options::default()
    };
    // A message was published, but is in neither the ring nor the log.
    let ring = Ring::resuming(Some(Uuid::now_v7()), HashMap::new());
    let log = Log::open(folder.path(), retention).unwrap();
    let (writer, thread) = LogThread::new(log).unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], 1));
    let server = Server::with_parts(address, options, ring, Some(writer));
    server.start_log(thread).unwrap();
    let (near, far) = tokio::io::duplex(4_096);
    let near = WebSocketStream::from_raw_socket(near, Role::Server, None).await;
    let mut far = WebSocketStream::from_raw_socket(far, Role::Client, None).await;
    let serving = server.clone();
    tokio::spawn(async move {
        let subscription = Subscription::parse("last_received=");
        let here = IpAddr::from([127, 0, 0, 1]);
        serving.serve(near, subscription, ("a", here)).await;
    });
    while server.clients() == 0 {
        tokio::task::yield_now().await;
    }
    let event = r#"{"event_type":"A"}"#.to_owned();
    server.publish_all(vec![event]).await.unwrap();
    let received = far.next().await.unwrap().unwrap();
    assert!(
        received
            .to_text()
            .unwrap()
            .ends_with(r#""event_type":"A"}"#)
    );
}
