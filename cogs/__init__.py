"""The features, a folder each; none of them imports another."""
