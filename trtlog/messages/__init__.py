"""From lines to messages: headers, kinds, captured fields, what no rule knows."""
