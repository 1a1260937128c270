//! The simulated EC2 behind EC2's own protocol, for functions that are processes of their own. Beside it the parameter store.
//!
//! Instances, tokens, capacity and buckets are `sim`'s. What is here is the protocol, what else an account has, and what the
//! roles of our template would refuse. An instance boots with what stands in the user data that it was launched with.

mod launch;
mod query;
mod things;
mod user_data;

pub use query::Form;

use crate::classes;
use crate::loopback::{self, Answer, Server};
use crate::real_time::RealTime;
use ::launch::request::CLUSTER_UID_TAG;
use anyhow::{Result, bail};
use hyper::Request;
use hyper::body::Bytes;
use kube::Client;
use model::action::CloudAction;
use model::instance_type::CapacityType;
use model::labels::Labels;
use model::name::InstanceId;
use model::outcome::Outcome;
use model::snapshot::{Instance, InstanceState};
use query::Xml;
use reconciler::ports::{Cloud, CloudQuery};
use serde::Deserialize;
use serde_json::json;
use sim::handle::WorldHandle;
use sim::lambda::Function;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};
use things::{Thing, find};

/// A refusal in EC2's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// EC2's error code.
    pub code: String,
    /// What is said.
    pub message: String,
}

impl Refusal {
    fn new(status: u16, code: &str, message: &str) -> Self {
        Self { status, code: code.to_owned(), message: message.to_owned() }
    }

    fn invalid(message: &str) -> Self {
        Self::new(400, "InvalidParameterValue", message)
    }

    /// There is no capacity for what is asked for, which is EC2's own fault.
    pub fn no_capacity() -> Self {
        Self::new(500, "InsufficientInstanceCapacity", "There is no Spot capacity available.")
    }

    /// Too many calls.
    pub fn throttled() -> Self {
        Self::new(503, "RequestLimitExceeded", "Request limit exceeded.")
    }

    /// The role may not.
    pub fn unauthorized() -> Self {
        Self::new(403, "UnauthorizedOperation", "You are not authorized to perform this operation.")
    }
}

/// What goes wrong with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It is refused.
    Refused(Refusal),
    /// It is carried out, and the connection breaks before the answer.
    LostReply,
}

/// EC2 at an address. It ends when this is dropped.
pub struct Ec2 {
    server: Server,
    account: Rc<Account>,
}

struct Account {
    client: Client,
    cloud: RealTime,
    launcher: WorldHandle,
    terminator: WorldHandle,
    /// The profile that may be passed, and the cluster whose nodes may be launched.
    profile: RefCell<String>,
    tags: RefCell<BTreeMap<InstanceId, Labels>>,
    /// What each token stands for, to the letter.
    tokens: RefCell<BTreeMap<String, Form>>,
    troubles: RefCell<Vec<(&'static str, Cell<u32>, Trouble)>>,
    free_addresses: RefCell<BTreeMap<String, u32>>,
    calls: RefCell<Vec<Form>>,
    /// When calls were under way.
    busy: RefCell<Vec<(Instant, Instant)>>,
}

impl Ec2 {
    /// Opens it before an account.
    ///
    /// # Errors
    /// When there is no port for it.
    pub async fn open(client: Client, cloud: RealTime) -> Result<Self> {
        let account = Rc::new(Account {
            client,
            launcher: cloud.account().handle(Function::Provisioning),
            terminator: cloud.account().handle(Function::Lifecycle),
            cloud,
            profile: RefCell::default(),
            tags: RefCell::default(),
            tokens: RefCell::default(),
            troubles: RefCell::default(),
            free_addresses: RefCell::default(),
            calls: RefCell::default(),
            busy: RefCell::default(),
        });
        let before = Rc::clone(&account);
        let server = Server::open(async move |request| answer(&before, &request).await).await?;
        Ok(Self { server, account })
    }

    /// Where it is.
    pub fn endpoint(&self) -> String {
        self.server.url()
    }

    /// The instance profile that the stack has made: no other may be passed.
    pub fn set_profile(&self, name_or_arn: &str) {
        name_or_arn.clone_into(&mut self.account.profile.borrow_mut());
    }

    /// So many calls of an action go wrong.
    pub fn trouble(&self, action: &'static str, times: u32, trouble: Trouble) {
        self.account.troubles.borrow_mut().push((action, Cell::new(times), trouble));
    }

    /// No call goes wrong any more.
    pub fn calm(&self) {
        self.account.troubles.borrow_mut().clear();
    }

    /// A zone's subnet has so many free addresses.
    pub fn set_free_addresses(&self, zone: &str, free: u32) {
        self.account.free_addresses.borrow_mut().insert(format!("subnet-{zone}"), free);
    }

    /// Calls of an action so far.
    pub fn calls(&self, action: &str) -> Vec<Form> {
        let calls = self.account.calls.borrow();
        calls.iter().filter(|form| form.get("Action") == action).cloned().collect()
    }

    /// For how long between two times at least one call was under way.
    pub fn busy(&self, begin: Instant, end: Instant) -> Duration {
        let mut calls: Vec<(Instant, Instant)> = self.account.busy.borrow().clone();
        calls.sort_unstable();
        let (mut busy, mut until) = (Duration::ZERO, begin);
        for (from, to) in calls {
            let (from, to) = (from.max(until), to.min(end));
            busy += to.saturating_duration_since(from);
            until = until.max(to);
        }
        busy
    }

    /// How many calls there were of whatever action.
    pub fn count(&self) -> usize {
        self.account.calls.borrow().len()
    }
}

async fn answer(account: &Account, request: &Request<Bytes>) -> Result<Answer> {
    let begin = Instant::now();
    let answer = answer_to(account, request).await;
    account.busy.borrow_mut().push((begin, Instant::now()));
    answer
}

async fn answer_to(account: &Account, request: &Request<Bytes>) -> Result<Answer> {
    if let Some(target) = request.headers().get("x-amz-target") {
        return match target.to_str()? {
            "AmazonSSM.GetParameters" => parameters(request.body()),
            _ => refuse_json(),
        };
    }
    let form = Form::read(request.body());
    account.calls.borrow_mut().push(form.clone());
    let action = form.get("Action");
    let answered = match account.next_trouble(action) {
        Some(Trouble::Refused(refusal)) => Err(refusal),
        Some(Trouble::LostReply) => {
            drop(account.perform(&form).await);
            bail!("the connection breaks before {action} is answered");
        }
        None => account.perform(&form).await,
    };
    match answered {
        Ok(fields) => loopback::text(200, "text/xml", Xml::answer(action, &fields)),
        Err(Refusal { status, code, message }) => {
            loopback::text(status, "text/xml", Xml::error(&code, &message))
        }
    }
}

/// The services beside EC2 that are not played.
fn refuse_json() -> Result<Answer> {
    let body = json!({ "__type": "UnknownOperationException", "message": "not here" });
    loopback::text(400, "application/x-amz-json-1.1", body.to_string())
}

fn parameters(body: &[u8]) -> Result<Answer> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Asked {
        names: Vec<String>,
    }
    let Asked { names } = serde_json::from_slice(body)?;
    let found = names.iter().filter_map(|name| Some((name, things::image_named(name)?)));
    let found: Vec<_> = found.map(|(name, id)| json!({ "Name": name, "Value": id })).collect();
    let missing: Vec<_> = names.iter().filter(|it| things::image_named(it).is_none()).collect();
    let body = json!({ "Parameters": found, "InvalidParameters": missing }).to_string();
    loopback::text(200, "application/x-amz-json-1.1", body)
}

impl Account {
    fn next_trouble(&self, action: &str) -> Option<Trouble> {
        let troubles = self.troubles.borrow();
        let mut due = troubles.iter().filter(|(name, left, _)| *name == action && 0 < left.get());
        let (_, left, trouble) = due.next()?;
        left.set(left.get() - 1);
        Some(trouble.clone())
    }

    async fn perform(&self, form: &Form) -> Result<Vec<Xml>, Refusal> {
        let internal =
            |error: anyhow::Error| Refusal::new(500, "InternalError", &format!("{error:#}"));
        match form.get("Action") {
            "RunInstances" => self.run(form).await,
            "TerminateInstances" => self.terminate(form).await,
            "DescribeInstances" => {
                let things = self.instances().await?;
                find("reservationSet", form, things)
            }
            "DescribeSubnets" => {
                let subnets = things::subnets(&self.free_addresses.borrow()).map_err(internal)?;
                find("subnetSet", form, subnets)
            }
            "DescribeSecurityGroups" => find("securityGroupInfo", form, things::groups()),
            "DescribeImages" => find("imagesSet", form, things::images()),
            "DescribeCapacityReservations" => find("capacityReservationSet", form, Vec::new()),
            "DescribePlacementGroups" => find("placementGroupSet", form, Vec::new()),
            other => {
                let message = format!("The action {other} is not valid for this web service.");
                Err(Refusal::new(400, "InvalidAction", &message))
            }
        }
    }

    async fn run(&self, form: &Form) -> Result<Vec<Xml>, Refusal> {
        if self.free_addresses.borrow().get(launch::subnet(form)) == Some(&0) {
            let code = "InsufficientFreeAddressesInSubnet";
            return Err(Refusal::new(
                400,
                code,
                "There are not enough free addresses in the subnet.",
            ));
        }
        let (run, boot) = launch::read(form, &self.profile.borrow())?;
        let key = format!("{} {}", run.offering.zone, run.token);
        let known = self.tokens.borrow().get(&key).cloned();
        if known.is_some_and(|known| known != *form) {
            let message = "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).";
            return Err(Refusal::new(400, "IdempotentParameterMismatch", message));
        }
        let told = classes::tell(&self.client, &self.cloud).await;
        told.map_err(|error| Refusal::new(500, "InternalError", &format!("{error:#}")))?;
        let call = CloudAction::RunInstances(run);
        let call = Box::pin(self.launcher.apply(&call));
        match self.cloud.drive(call).await {
            Outcome::Launched(instances) => {
                self.tokens.borrow_mut().insert(key, form.clone());
                let tags = form.tags("instance");
                for instance in &instances {
                    self.tags.borrow_mut().insert(instance.id.clone(), tags.clone());
                    if let Some(pods) = boot.max_pods {
                        self.cloud.account().set_max_pods(&instance.id, pods);
                    }
                }
                let shown = instances.iter().map(|it| self.shown(it)).collect();
                Ok(vec![Xml::text("reservationId", "r-1"), Xml::items("instancesSet", shown)])
            }
            Outcome::TokenSpent { code } => Err(Refusal::new(400, &code, "The token is spent.")),
            other => Err(refusal(&other)),
        }
    }

    async fn terminate(&self, form: &Form) -> Result<Vec<Xml>, Refusal> {
        let instances: Vec<InstanceId> =
            form.list("InstanceId").into_iter().map(Into::into).collect();
        if !self.may_be_ended(&instances) {
            return Err(Refusal::unauthorized());
        }
        let call = CloudAction::TerminateInstances { instances };
        let call = Box::pin(self.terminator.apply(&call));
        match self.cloud.drive(call).await {
            Outcome::Done => Ok(vec![Xml::items("instancesSet", Vec::new())]),
            other => Err(refusal(&other)),
        }
    }

    /// The terminator's role may end what carries the tags of its cluster only.
    fn may_be_ended(&self, instances: &[InstanceId]) -> bool {
        let tags = self.tags.borrow();
        let of = |id: &InstanceId| tags.get(id).is_some_and(|it| it.contains_key(CLUSTER_UID_TAG));
        instances.iter().all(of)
    }

    async fn instances(&self) -> Result<Vec<Thing>, Refusal> {
        let call = Box::pin(self.launcher.observe(CloudQuery::Instances));
        let state = self.cloud.drive(call).await.map_err(|_| Refusal::throttled())?;
        let tags = self.tags.borrow();
        let thing = |instance: &Rc<Instance>| Thing {
            fields: vec![("instance-id", instance.id.to_string())],
            tags: tags.get(&instance.id).cloned().unwrap_or_default(),
            shown: vec![Xml::items("instancesSet", vec![self.shown(instance)])],
        };
        let instances = state.instances.iter().map(|it| Rc::new(Instance::clone(it)));
        Ok(instances.map(|instance| thing(&instance)).collect())
    }

    /// An instance as EC2 shows it.
    fn shown(&self, instance: &Instance) -> Vec<Xml> {
        let (code, state) = match instance.state {
            InstanceState::Pending => ("0", "pending"),
            InstanceState::Running => ("16", "running"),
            InstanceState::ShuttingDown => ("32", "shutting-down"),
            InstanceState::Terminated => ("48", "terminated"),
            InstanceState::Stopping => ("64", "stopping"),
            InstanceState::Stopped => ("80", "stopped"),
        };
        let tags = self.tags.borrow().get(&instance.id).cloned().unwrap_or_default();
        let mut shown = vec![
            Xml::text("instanceId", &*instance.id),
            Xml::text("imageId", &*instance.image),
            Xml::Of("instanceState", vec![Xml::text("code", code), Xml::text("name", state)]),
            Xml::text("instanceType", &*instance.instance_type),
            Xml::text("clientToken", &*instance.token),
            Xml::text("launchTime", instance.launched_at.to_string()),
            Xml::Of("placement", vec![Xml::text("availabilityZone", &*instance.zone)]),
            Xml::tags(&tags),
        ];
        match instance.capacity_type {
            CapacityType::Spot => shown.push(Xml::text("instanceLifecycle", "spot")),
            CapacityType::Reserved => shown.push(Xml::text("capacityReservationId", "cr-1")),
            CapacityType::OnDemand => {}
        }
        shown
    }
}

/// The simulated EC2's answer in EC2's words.
fn refusal(outcome: &Outcome) -> Refusal {
    match outcome {
        Outcome::Throttled => Refusal::throttled(),
        Outcome::Unavailable { code } if code == "InsufficientInstanceCapacity" => {
            Refusal::no_capacity()
        }
        Outcome::Unavailable { code } => Refusal::new(400, code, "There is none."),
        Outcome::Denied { code, message } => Refusal::new(400, code, message),
        Outcome::NotFound => {
            Refusal::new(400, "InvalidInstanceID.NotFound", "The instance IDs do not exist.")
        }
        other => Refusal::new(500, "InternalError", &format!("{other:?}")),
    }
}
