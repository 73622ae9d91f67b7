"""What a test of Orienteer, or of something built on it, needs: phantoms and Hypothesis strategies."""
