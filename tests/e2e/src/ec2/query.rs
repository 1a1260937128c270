//! EC2's protocol: a form in, XML out.

use aws_smithy_xml::encode::{ElWriter, XmlWriter};
use model::labels::Labels;
use model::name::Text;
use std::collections::BTreeMap;

/// No list in a request is longer: of instances that are ended by one call there may be as many.
const LIST_MAX: u32 = 1_000;

/// A request's parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form(BTreeMap<String, String>);

impl Form {
    pub(super) fn read(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// A parameter; empty where it is not given.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The values of `NAME.1`, `NAME.2` and so on.
    pub fn list(&self, name: &str) -> Vec<&str> {
        let at = |n: u32| self.0.get(&format!("{name}.{n}")).map(String::as_str);
        (1..=LIST_MAX).map_while(at).collect()
    }

    /// Names and values of its filters.
    pub(super) fn filters(&self) -> Vec<(&str, Vec<&str>)> {
        let filter = |n: u32| {
            let name = self.0.get(&format!("Filter.{n}.Name"))?;
            Some((name.as_str(), self.list(&format!("Filter.{n}.Value"))))
        };
        (1..=LIST_MAX).map_while(filter).collect()
    }

    /// The tags for what is made of this kind, as `instance`.
    pub fn tags(&self, resource: &str) -> Labels {
        let is_meant =
            |n: &u32| self.get(&format!("TagSpecification.{n}.ResourceType")) == resource;
        let given = |n: &u32| !self.get(&format!("TagSpecification.{n}.ResourceType")).is_empty();
        let Some(n) = (1..=LIST_MAX).take_while(given).find(is_meant) else { return Labels::new() };
        let tag = |m: u32| {
            let at = format!("TagSpecification.{n}.Tag.{m}");
            let key = self.0.get(&format!("{at}.Key"))?;
            Some((key.as_str().into(), self.get(&format!("{at}.Value")).into()))
        };
        (1..=LIST_MAX).map_while(tag).collect()
    }
}

/// An element of an answer.
#[derive(Clone, Debug)]
pub(super) enum Xml {
    Text(&'static str, String),
    Of(&'static str, Vec<Self>),
}

impl Xml {
    pub(super) fn text(name: &'static str, text: impl Into<String>) -> Self {
        Self::Text(name, text.into())
    }

    /// A list, as EC2 writes it.
    pub(super) fn items(name: &'static str, items: Vec<Vec<Self>>) -> Self {
        Self::Of(name, items.into_iter().map(|fields| Self::Of("item", fields)).collect())
    }

    /// Of a resource's tags.
    pub(super) fn tags(tags: &Labels) -> Self {
        let tag = |(key, value): (&Text, &Text)| {
            vec![Self::text("key", &**key), Self::text("value", &**value)]
        };
        Self::items("tagSet", tags.iter().map(tag).collect())
    }

    /// As a whole answer to an action.
    pub(super) fn answer(action: &str, fields: &[Self]) -> String {
        let mut text = String::new();
        let root = format!("{action}Response");
        let mut writer = XmlWriter::new(&mut text);
        let element = writer.start_el(&root);
        write(element.write_ns("http://ec2.amazonaws.com/doc/2016-11-15/", None), fields);
        text
    }

    /// A refusal.
    pub(super) fn error(code: &str, message: &str) -> String {
        let error =
            Self::Of("Error", vec![Self::text("Code", code), Self::text("Message", message)]);
        let fields = [Self::Of("Errors", vec![error]), Self::text("RequestID", "r-1")];
        let mut text = String::new();
        let mut writer = XmlWriter::new(&mut text);
        write(writer.start_el("Response"), &fields);
        text
    }
}

fn write(element: ElWriter<'_, '_>, fields: &[Xml]) {
    let mut scope = element.finish();
    for field in fields {
        match field {
            Xml::Text(name, text) => {
                let mut inner = scope.start_el(name).finish();
                inner.data(text);
                inner.finish();
            }
            Xml::Of(name, fields) => write(scope.start_el(name), fields),
        }
    }
    scope.finish();
}
