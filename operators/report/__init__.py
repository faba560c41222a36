"""What a run did, as one page for people and one value for machines: made from what lies on the store, and no more."""
