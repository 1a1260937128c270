//! The ConfigMap of the catalogue, against a stand-in for the API server on loopback: what is asked, and what becomes of the
//! answer.
#![cfg(test)]

use expect_test::expect;
use kubernetes::client::{Client, Stored};
use model::outcome::Outcome;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

type Asked = Arc<Mutex<Vec<String>>>;

/// A stand-in that gives these answers in turn, and a client of it.
async fn api_server(answers: &[(u16, &str)]) -> (Client, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listening = listener.local_addr().unwrap();
    let url = format!("http://{listening}");
    let asked = Asked::default();
    let answers: Vec<(u16, String)> = answers.iter().map(|(s, b)| (*s, (*b).to_owned())).collect();
    let answers = Arc::new(Mutex::new(answers.into_iter()));
    let told = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (told, answers) = (Arc::clone(&told), Arc::clone(&answers));
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                while let Some(request) = request(&mut stream).await {
                    told.lock().unwrap().push(request);
                    let Some((status, body)) = answers.lock().unwrap().next() else { return };
                    let head =
                        format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", body.len());
                    stream.get_mut().write_all((head + &body).as_bytes()).await.unwrap();
                }
            });
        }
    });
    let config = format!(
        "{{apiVersion: v1, kind: Config, current-context: c, contexts: [{{name: c, context: {{cluster: c, user: u}}}}], \
         clusters: [{{name: c, cluster: {{server: '{url}'}}}}], users: [{{name: u, user: {{}}}}]}}"
    );
    // No two stand-ins have the same port.
    let port = listening.port();
    let path = std::env::temp_dir().join(format!("joiner-{}-{port}.yaml", std::process::id()));
    std::fs::write(&path, config).unwrap();
    let client = Client::from_kubeconfig(&path, "joiner-system").await.unwrap();
    std::fs::remove_file(&path).unwrap();
    (client, asked)
}

/// The next request: its first line, what it accepts or sends, and its body.
async fn request(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let (mut text, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        if text.is_empty() || ["accept", "content-type"].contains(&name) {
            text += line.trim().trim_end_matches(" HTTP/1.1");
            text.push('\n');
        }
        if name == "content-length" {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(text + &String::from_utf8(body).unwrap())
}

fn asked(asked: &Asked) -> String {
    asked.lock().unwrap().join("\n")
}

const STORED: &str = r#"{"metadata":{"name":"joiner-catalog","resourceVersion":"7"},"binaryData":{"catalogue":"cGFja2Vk"}}"#;
const NOT_FOUND: (u16, &str) =
    (404, r#"{"kind":"Status","reason":"NotFound","message":"no","code":404}"#);

#[tokio::test]
async fn what_is_known_is_not_read_again() {
    let meta = r#"{"metadata":{"resourceVersion":"7"}}"#;
    let (client, told) =
        api_server(&[(200, STORED), (200, meta), (200, meta), (200, STORED)]).await;
    let new = Stored::New { version: "7".into(), packed: b"packed".to_vec() };
    assert_eq!(client.catalogue(None).await, Ok(new.clone()));
    assert_eq!(client.catalogue(Some("7")).await, Ok(Stored::AsKnown));
    assert_eq!(client.catalogue(Some("6")).await, Ok(new));
    expect![[r#"
        GET /api/v1/namespaces/joiner-system/configmaps/joiner-catalog
        accept: application/json

        GET /api/v1/namespaces/joiner-system/configmaps/joiner-catalog
        accept: application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1

        GET /api/v1/namespaces/joiner-system/configmaps/joiner-catalog
        accept: application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1

        GET /api/v1/namespaces/joiner-system/configmaps/joiner-catalog
        accept: application/json
    "#]]
    .assert_eq(&asked(&told));
}

#[tokio::test]
async fn what_is_not_there_is_no_error_and_what_is_refused_is_one() {
    let forbidden = r#"{"kind":"Status","reason":"Forbidden","message":"no right","code":403}"#;
    let answers =
        [NOT_FOUND, NOT_FOUND, NOT_FOUND, (200, "{}"), (403, forbidden), (200, "{}"), (200, "[")];
    let (client, _) = api_server(&answers).await;
    assert_eq!(client.catalogue(None).await, Ok(Stored::Nothing));
    assert_eq!(client.catalogue(Some("7")).await, Ok(Stored::Nothing));
    assert_eq!(client.has_catalogue().await, Ok(false));
    assert_eq!(client.has_catalogue().await, Ok(true));
    let refused = client.catalogue(None).await.unwrap_err();
    assert_eq!(refused.to_string(), "Kubernetes refused: Forbidden: no right");
    let empty = Stored::New { version: String::new(), packed: Vec::new() };
    assert_eq!(client.catalogue(None).await, Ok(empty));
    let rubbish = client.catalogue(None).await.unwrap_err().to_string();
    assert_eq!(
        rubbish,
        "Kubernetes did not answer: ConfigMap joiner-catalog: EOF while parsing a list at line 1 column 1"
    );
}

#[tokio::test]
async fn it_is_made_once_and_then_changed_over_the_version_that_was_seen() {
    let conflict = r#"{"kind":"Status","reason":"Conflict","message":"changed","code":409}"#;
    let (client, told) = api_server(&[(201, STORED), (200, STORED), (409, conflict)]).await;
    let written = Outcome::Updated { resource_version: 7 };
    assert_eq!(client.set_catalogue(None, b"packed").await, written);
    assert_eq!(client.set_catalogue(Some("6"), b"packed").await, written);
    assert_eq!(client.set_catalogue(Some("6"), b"packed").await, Outcome::Conflict);
    expect![[r#"
        POST /api/v1/namespaces/joiner-system/configmaps
        accept: application/json
        content-type: application/json
        {"apiVersion":"v1","binaryData":{"catalogue":"cGFja2Vk"},"kind":"ConfigMap","metadata":{"name":"joiner-catalog"}}
        PATCH /api/v1/namespaces/joiner-system/configmaps/joiner-catalog
        accept: application/json
        content-type: application/merge-patch+json
        {"binaryData":{"catalogue":"cGFja2Vk"},"metadata":{"resourceVersion":"6"}}
        PATCH /api/v1/namespaces/joiner-system/configmaps/joiner-catalog
        accept: application/json
        content-type: application/merge-patch+json
        {"binaryData":{"catalogue":"cGFja2Vk"},"metadata":{"resourceVersion":"6"}}"#]].assert_eq(&asked(&told));
}
