//! A stand-in for EC2 on loopback: it keeps what it is asked, as text, and answers what it was given to answer.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const POISON: &str = "nobody panics while holding it";

/// What is answered.
pub(crate) enum Answer {
    /// Status and body.
    Http(u16, String),
    /// The connection ends without a word.
    HangUp,
}

/// The stand-in. It ends with the runtime.
pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

type Answers = Arc<Mutex<VecDeque<Answer>>>;

impl Server {
    /// Answers these in turn, and hangs up after that.
    pub(crate) async fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let asked = Arc::default();
        let server = Self { url, asked: Arc::clone(&asked) };
        let answers: Answers = Arc::new(Mutex::new(answers.into()));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&asked), Arc::clone(&answers)));
            }
        });
        server
    }

    /// What was asked so far: for each call its parameters, one a line, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect(POISON).clone()
    }
}

async fn serve(stream: TcpStream, asked: Arc<Mutex<Vec<String>>>, answers: Answers) {
    let mut stream = BufReader::new(stream);
    while let Some(body) = read(&mut stream).await {
        asked.lock().expect(POISON).push(lines(&body));
        let answer = answers.lock().expect(POISON).pop_front();
        let Some(Answer::Http(status, body)) = answer else { return };
        let text = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: text/xml\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.get_mut().write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The body of the next request, if there is one.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(body)
}

/// A form with its parameters in order, the numbers in their names by size.
fn lines(form: &[u8]) -> String {
    if form.starts_with(b"{") {
        return format!("{}\n", String::from_utf8_lossy(form));
    }
    let number = |part: &str| {
        part.parse::<u32>().map_or((u32::MAX, part.to_owned()), |n| (n, String::new()))
    };
    let mut all: Vec<(String, String)> = form_urlencoded::parse(form)
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .filter(|(key, _)| key != "Version")
        .collect();
    all.sort_by_cached_key(|(key, _)| {
        (key != "Action", key.split('.').map(number).collect::<Vec<_>>())
    });
    let line = |(key, value): (String, String)| format!("{key}={value}\n");
    all.into_iter().map(line).collect()
}
