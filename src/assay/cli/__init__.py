"""The command line: a thin module per group of verbs; a verb is a public function of that name."""
