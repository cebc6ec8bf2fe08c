"""Views as SQL: FHIRPath becomes expressions over columns, a view one query, in the words of an engine."""
