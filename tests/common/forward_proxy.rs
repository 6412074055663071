//! A proxy as companies have them: `CONNECT`, requests in absolute form, and SOCKS5, with or
//! without a user name and password, for names that only it knows.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
    copy_bidirectional,
};
use tokio::net::{TcpListener, TcpStream};

/// What a proxy does.
#[derive(Clone, Default)]
pub struct Rules {
    hosts: BTreeMap<String, SocketAddr>,
    credentials: Option<(&'static str, &'static str)>,
    answer: Option<&'static str>,
}

impl Rules {
    /// It knows this name, and where it leads.
    pub fn host(mut self, name: &str, url: &str) -> Self {
        let place = url.split("://").last().unwrap().split('/').next().unwrap();
        let place = place.replace("localhost", "127.0.0.1");
        self.hosts.insert(name.to_owned(), place.parse().unwrap());
        self
    }

    /// It asks for these.
    pub fn credentials(mut self, user: &'static str, password: &'static str) -> Self {
        self.credentials = Some((user, password));
        self
    }

    /// It answers everything with this head and body.
    pub fn answer(mut self, answer: &'static str) -> Self {
        self.answer = Some(answer);
        self
    }

    fn find(&self, host: &str) -> Option<SocketAddr> {
        self.hosts.get(host).copied()
    }
}

/// A proxy that runs.
#[derive(Clone)]
pub struct ForwardProxy {
    rules: Rules,
    seen: Arc<Mutex<Vec<String>>>,
    /// Its host and port.
    pub place: String,
}

impl ForwardProxy {
    pub async fn start(rules: Rules) -> Self {
        let (proxy, listener) = Self::new(rules).await;
        let serving = proxy.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                // A client that leaves is no failure.
                tokio::spawn(async move { serving.serve(stream).await });
            }
        });
        proxy
    }

    /// The same behind TLS.
    pub async fn start_tls(rules: Rules, acceptor: tokio_rustls::TlsAcceptor) -> Self {
        let (proxy, listener) = Self::new(rules).await;
        let serving = proxy.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (serving, acceptor) = (serving.clone(), acceptor.clone());
                tokio::spawn(async move { serving.serve(acceptor.accept(stream).await?).await });
            }
        });
        proxy
    }

    async fn new(rules: Rules) -> (Self, TcpListener) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let place = listener.local_addr().unwrap().to_string();
        let seen = Arc::default();
        (Self { rules, seen, place }, listener)
    }

    /// The requests that came, each as its method and target.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> io::Result<()> {
        let mut client = BufReader::new(stream);
        let server = match client.fill_buf().await?.first() {
            None => return Ok(()),
            Some(5) => self.socks(&mut client).await?,
            Some(_) => self.http(&mut client).await?,
        };
        if let Some(mut server) = server {
            copy_bidirectional(&mut client, &mut server).await?;
        }
        Ok(())
    }

    async fn http<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        client: &mut BufReader<S>,
    ) -> io::Result<Option<TcpStream>> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if client.read_line(&mut head).await? == 0 {
                return Ok(None);
            }
        }
        let mut words = head.split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        self.seen.lock().unwrap().push(format!("{method} {target}"));
        if let Some((user, password)) = self.rules.credentials {
            let pair =
                base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
            let wanted = format!("proxy-authorization: basic {}\r\n", pair.to_lowercase());
            if !head.to_lowercase().contains(&wanted) {
                let answer = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n";
                client.write_all(answer.as_bytes()).await?;
                return Ok(None);
            }
        }
        if let Some(answer) = self.rules.answer {
            client.write_all(answer.as_bytes()).await?;
            return Ok(None);
        }
        let rest = target.strip_prefix("http://");
        let (authority, path) = match rest.and_then(|rest| rest.split_once('/')) {
            Some((authority, path)) => (authority, format!("/{path}")),
            None => (rest.unwrap_or(target), "/".to_owned()),
        };
        let host = authority
            .rsplit_once(':')
            .map_or(authority, |(host, _)| host);
        let Some(address) = self.rules.find(host) else {
            client
                .write_all(
                    b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 15\r\n\r\nno such host\r\n\r\n",
                )
                .await?;
            return Ok(None);
        };
        let mut server = TcpStream::connect(address).await?;
        if method == "CONNECT" {
            client
                .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                .await?;
        } else {
            let head = head.replacen(target, &path, 1);
            // One request each: the next one may be for another server.
            let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
            server.write_all(head.as_bytes()).await?;
        }
        Ok(Some(server))
    }

    async fn socks<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        client: &mut BufReader<S>,
    ) -> io::Result<Option<TcpStream>> {
        let methods = counted(client, 2).await?;
        let method = if self.rules.credentials.is_some() {
            2
        } else {
            0
        };
        if !methods.contains(&method) {
            client.write_all(&[5, 255]).await?;
            return Ok(None);
        }
        client.write_all(&[5, method]).await?;
        if let Some((user, password)) = self.rules.credentials {
            let told = counted(client, 2).await?;
            let length = client.read_u8().await?;
            let mut also = vec![0; length.into()];
            client.read_exact(&mut also).await?;
            let is_right = told == user.as_bytes() && also == password.as_bytes();
            client.write_all(&[1, u8::from(!is_right)]).await?;
            if !is_right {
                return Ok(None);
            }
        }
        let mut request = [0; 4];
        client.read_exact(&mut request).await?;
        let host = match request[3] {
            3 => String::from_utf8(counted(client, 1).await?).unwrap(),
            other => format!("an address of kind {other}"),
        };
        let port = client.read_u16().await?;
        self.seen
            .lock()
            .unwrap()
            .push(format!("SOCKS {host}:{port}"));
        let Some(address) = self.rules.find(&host) else {
            client.write_all(&[5, 4, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
            return Ok(None);
        };
        client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
        Ok(Some(TcpStream::connect(address).await?))
    }
}

/// Bytes behind their count, which is the last of `head` bytes.
async fn counted<S: AsyncRead + Unpin>(from: &mut S, head: usize) -> io::Result<Vec<u8>> {
    let mut start = vec![0; head];
    from.read_exact(&mut start).await?;
    let mut bytes = vec![0; start[head - 1].into()];
    from.read_exact(&mut bytes).await?;
    Ok(bytes)
}
