//! The real handlers and the real forwarder's logic, introduced to the simulated world. Nothing is decided here.

use hints::batcher::Batcher;
use jiff::Timestamp;
use model::hint::Hint;
use model::name::Text;
use model::snapshot::Settings;
use reconciler::batch::{Delivery, Invocation, Response};
use sim::forwarder::Forwarder;
use sim::handle::WorldHandle;
use sim::lambda::{self, Event, Function, Functions, Invoked, MessageId};
use std::rc::Rc;
use std::sync::atomic::AtomicBool;

/// The functions, as they are deployed.
pub(crate) struct Handlers {
    settings: Rc<Settings>,
}

impl Handlers {
    /// The functions with their configuration.
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings: Rc::new(settings) }
    }
}

impl Functions for Handlers {
    fn invoke(
        &self,
        function: Function,
        event: Event,
        world: WorldHandle,
        now: Timestamp,
    ) -> Invoked {
        let settings = Rc::clone(&self.settings);
        Box::pin(async move { answer(handle(function, event, &world, &settings, now).await) })
    }
}

/// One invocation: messages and EventBridge's event go to the function; a schedule brings neither.
async fn handle(
    function: Function,
    event: Event,
    world: &WorldHandle,
    settings: &Settings,
    now: Timestamp,
) -> Response {
    let (messages, json) = match event {
        Event::Messages(messages) => (messages, None),
        Event::Schedule => (Vec::new(), None),
        Event::EventBridge(json) => (Vec::new(), Some(json)),
    };
    let messages: Vec<Delivery> = messages.into_iter().map(delivery).collect();
    // A simulated invocation is killed when its time is over, in the middle of whatever it does.
    let (holder, stop) = (world.identity(), AtomicBool::new(false));
    let invocation = Invocation { settings, holder, messages: &messages, now, stop: &stop };
    match function {
        Function::Provisioning => provisioning::handler::handle(world, world, &invocation).await,
        Function::Lifecycle => lifecycle::handler::handle(world, world, &invocation).await,
        Function::Interruption => {
            // A schedule is no event of EC2's; the handler says that it cannot read it.
            let event = json.unwrap_or_default();
            interruption::handler::handle(world, world, &invocation, &event).await
        }
        Function::Disruption => disruption::handler::handle(world, world, &invocation).await,
    }
}

fn delivery((id, body): (MessageId, String)) -> Delivery {
    Delivery { id: id.to_string(), body }
}

/// What of a handler's answer Lambda looks at.
fn answer(response: Response) -> lambda::Response {
    let Response { failed, report: _, error, poison: _ } = response;
    lambda::Response { failed: failed.into_iter().map(Text::from).collect(), error }
}

/// The forwarder's logic.
#[derive(Default)]
pub(crate) struct Watch(Batcher);

impl Forwarder for Watch {
    fn changed(&mut self, what: Hint, now: Timestamp) {
        self.0.changed(what, now);
    }

    fn due(&mut self, now: Timestamp) -> Vec<Hint> {
        self.0.due(now)
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.0.next_wake()
    }
}
