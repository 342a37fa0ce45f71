"""Guards: what may stop an erasure, asked at the plan and again at the act."""
