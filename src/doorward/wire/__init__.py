"""Every refusal as bytes: negotiation, texts, pages, CORS, edits of relayed answers. Rule: nothing here decides."""
