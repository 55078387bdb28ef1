//! Who a client is, and what it may do: RabbitMQ's three expressions over names.

/// Who a connection belongs to.
#[derive(Debug, Clone)]
pub struct Login {
    /// The user's name: what the property `user_id` must say.
    pub user: String,
    /// The virtual host that was opened.
    pub vhost: String,
    /// What the user may configure, write and read there.
    pub permissions: Permissions,
}

/// What a user may do in a virtual host, by the names of exchanges and queues. RabbitMQ's three expressions.
#[derive(Debug, Clone)]
pub struct Permissions {
    /// Declare and delete.
    pub configure: Pattern,
    /// Publish to an exchange, bind a destination.
    pub write: Pattern,
    /// Consume, get, purge; bind a source.
    pub read: Pattern,
}

/// Which names a permission covers.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// All.
    All,
    /// None.
    None,
    /// Those that the whole expression matches.
    Expression(regex_lite::Regex),
}

impl Pattern {
    /// Whether `name` is covered.
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        match self {
            Pattern::All => true,
            Pattern::None => false,
            Pattern::Expression(expression) => expression.is_match(name),
        }
    }
}
