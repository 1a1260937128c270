//! A queue on loopback that takes every message: SQS as far as the forwarder needs it.

use crate::loopback::{self, Answer, Server};
use anyhow::Result;
use hyper::Request;
use hyper::body::Bytes;
use model::hint::{Hint, Message};
use serde::Deserialize;
use serde_json::json;
use std::cell::RefCell;
use std::rc::Rc;

/// The queue. It ends when this is dropped.
#[derive(Debug)]
pub struct Queue {
    server: Server,
    taken: Rc<RefCell<Vec<Hint>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendMessage {
    message_body: String,
}

impl Queue {
    /// Opens one.
    ///
    /// # Errors
    /// When there is no port for it.
    pub async fn open() -> Result<Self> {
        let taken: Rc<RefCell<Vec<Hint>>> = Rc::default();
        let into = Rc::clone(&taken);
        let server = Server::open(async move |request| take(&request, &into)).await?;
        Ok(Self { server, taken })
    }

    /// Where SQS' API is.
    pub fn endpoint(&self) -> String {
        self.server.url()
    }

    /// The queue's own URL.
    pub fn url(&self) -> String {
        format!("{}/111122223333/hints", self.endpoint())
    }

    /// Takes the hints that have come since the last time.
    pub fn take(&self) -> Vec<Hint> {
        self.taken.take()
    }
}

/// Takes a message.
fn take(request: &Request<Bytes>, taken: &RefCell<Vec<Hint>>) -> Result<Answer> {
    let SendMessage { message_body } = serde_json::from_slice(request.body())?;
    let Message { version: _, hint } = serde_json::from_str(&message_body)?;
    taken.borrow_mut().push(hint);
    loopback::text(200, "application/x-amz-json-1.0", json!({ "MessageId": "1" }).to_string())
}
