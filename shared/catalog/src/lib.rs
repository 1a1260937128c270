//! EC2 facts and EC2NodeClass settings to instance types: pure, with the built-in facts.
