"""One file per screen: which widgets stand where, and what each is handed."""
