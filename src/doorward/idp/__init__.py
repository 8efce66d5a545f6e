"""Identity providers: where the keys of issuers come from."""
