"""What each answer says, as a document: one module an answer."""
