//! A server that answers as a test tells it to, and what it was sent.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::response::Response;
use tokio::net::TcpListener;

/// A status, headers and a body.
#[derive(Debug, Clone)]
pub struct Canned {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Canned {
    pub fn new(status: u16, body: &str) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.to_owned(),
        }
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn response(&self) -> Response {
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(*name, value);
        }
        response.body(Body::from(self.body.clone())).unwrap()
    }
}

type Chooses = dyn Fn(&str) -> Option<Canned> + Send + Sync;

/// The server. What it has no answer for it takes as Customer.io does: `{}`.
#[derive(Clone)]
pub struct Stub {
    pub url: String,
    script: Arc<Mutex<VecDeque<Canned>>>,
    taken: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    /// One that answers the first requests by the script, one after the other.
    pub async fn scripted(script: impl IntoIterator<Item = Canned>) -> Self {
        Self::start(script, |_: &str| None).await
    }

    /// One that answers requests, by their body, as `chooses` says.
    pub async fn choosing(
        chooses: impl Fn(&str) -> Option<Canned> + Send + Sync + 'static,
    ) -> Self {
        Self::start([], chooses).await
    }

    async fn start(
        script: impl IntoIterator<Item = Canned>,
        chooses: impl Fn(&str) -> Option<Canned> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let stub = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            script: Arc::new(Mutex::new(script.into_iter().collect())),
            taken: Arc::default(),
        };
        let (own, chooses): (_, Arc<Chooses>) = (stub.clone(), Arc::new(chooses));
        let app = axum::Router::new().fallback(move |body: Bytes| {
            let (own, chooses) = (own.clone(), chooses.clone());
            async move {
                let body = String::from_utf8(body.to_vec()).unwrap();
                let next = own.script.lock().unwrap().pop_front();
                let next = next.or_else(|| chooses(&body));
                let canned = next.unwrap_or_else(|| {
                    own.taken.lock().unwrap().push(body);
                    Canned::new(200, "{}")
                });
                canned.response()
            }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        stub
    }

    /// The numbers of the events that it took, in the order in which they came.
    pub fn taken(&self) -> Vec<u64> {
        let bodies = self.taken.lock().unwrap();
        let mut numbers = Vec::new();
        for body in &*bodies {
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            let items = body["batch"].as_array().cloned().unwrap_or_default();
            let number = |item: &serde_json::Value| item["attributes"]["number"].as_u64();
            numbers.extend(items.iter().filter_map(number));
        }
        numbers
    }
}
